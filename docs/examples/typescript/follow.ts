// Keeps a copy of a tenant's people: everybody once, then what changes.
//
//   npm ci && npm run build
//   ROLLCALL=https://scim.example.com TOKEN=rcl_… TENANT=acme node built/follow.js people.json
//
// The copy and its place in the feed are written together, so it goes on there when it is started again, and nothing is missed.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { get, Refused, type EventPage, type Page, type RollcallEvent, type UserEntry } from "./directory.js";

interface Copy {
  place: number;
  people: Record<string, { userName: string; active: boolean; roles: string[] }>;
}

/** What this application wants to know of a person. */
function kept({ user, roles }: UserEntry): Copy["people"][string] {
  const names = [...new Set(roles.map(({ role }) => role))].sort();
  return { userName: user.userName, active: user.active ?? true, roles: names };
}

/** Everybody, page by page. The place is that of the first page: it is true of all that was read after it. */
async function load(): Promise<Copy> {
  const people: Copy["people"] = {};
  let place: number | undefined;
  let query: Record<string, string> = { limit: "200" };
  for (;;) {
    const page = await get<Page<UserEntry>>("users", query);
    place ??= page.position;
    for (const entry of page.items) people[entry.user.id] = kept(entry);
    if (!page.nextCursor) return { place, people };
    query = { limit: "200", cursor: page.nextCursor };
  }
}

/** An event says of whom something has changed; what there is now is read, so it does not matter how often it comes. */
async function apply(people: Copy["people"], event: RollcallEvent): Promise<void> {
  try {
    people[event.object.id] = kept(await get<UserEntry>(`users/${event.object.id}`));
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error;
    delete people[event.object.id];
  }
}

function save(copy: Copy): void {
  writeFileSync(`${file}.new`, JSON.stringify(copy, null, 1));
  renameSync(`${file}.new`, file);
}

const file = process.argv[2] ?? "people.json";
let copy: Copy;
if (existsSync(file)) {
  copy = JSON.parse(readFileSync(file, "utf-8")) as Copy;
} else {
  copy = await load();
  save(copy);
}
for (;;) {
  try {
    const page = await get<EventPage>("events", { after: String(copy.place), types: "user.*,role.*", wait: "30" });
    for (const event of page.events) {
      console.log(event.type, event.object.id);
      await apply(copy.people, event);
    }
    copy.place = page.last;
  } catch (error) {
    if (error instanceof Refused && error.field === "after") {
      // Away for longer than events are kept, or the database was restored.
      copy = await load();
    } else if (error instanceof Refused && !error.mayPass) {
      throw error;
    } else {
      console.error(`${error}; trying again`);
      await pause((error instanceof Refused ? error.retryAfter : 5) * 1000);
    }
  }
  save(copy);
}
