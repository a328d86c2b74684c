// What the directory answers with, as far as the examples want it; the whole is described by /api/v1/openapi.json.

export interface GroupName {
  id: string;
  display: string;
}

export interface UserEntry {
  user: { id: string; userName: string; active?: boolean };
  groups: GroupName[];
  roles: { role: string; via: { id?: string; attribute?: string; display: string } }[];
}

export interface Page<T> {
  items: T[];
  nextCursor?: string;
  position: number;
}

export interface RollcallEvent {
  id: string;
  type: string;
  position: number;
  object: { type: string; id: string; version: number };
}

export interface EventPage {
  events: RollcallEvent[];
  last: number;
  more: boolean;
}

/** The server refused: `message` says why. */
export class Refused extends Error {
  /** Is it worth trying again a little later? */
  readonly mayPass: boolean;
  /** The parameter that was wrong, where it is one. */
  readonly field: string | undefined;

  constructor(
    readonly status: number,
    problem: { detail?: string; field?: string },
    /** In seconds. */
    readonly retryAfter: number,
  ) {
    super(`${status}: ${problem.detail ?? "no reason given"}`);
    this.field = problem.field;
    this.mayPass = status === 429 || status >= 500;
  }
}

export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** What is at an address of the tenant. */
export async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const url = new URL(`${setting("ROLLCALL")}/api/v1/tenants/${setting("TENANT")}/${path}`);
  url.search = new URLSearchParams(query).toString();
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${setting("TOKEN")}` },
    signal: AbortSignal.timeout(60_000),
  });
  if (answer.ok) return (await answer.json()) as T;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; field?: string };
  throw new Refused(answer.status, problem, Number(answer.headers.get("retry-after") ?? 5));
}
