// Who is this? What an application asks when somebody signs in.
//
//   npm ci && npm run build
//   ROLLCALL=https://scim.example.com TOKEN=rcl_… TENANT=acme node built/sign-in.js userName ann@example.com
//
// The first argument is userName, externalId or email. Ends with 0 if there is one such person, and it is active.

import { get, type Page, type UserEntry } from "./directory.js";

const [key = "", value = ""] = process.argv.slice(2);
// Active or not; nobody is an empty list.
const { items } = await get<Page<UserEntry>>("users", { [key]: value });
const person = items[0];
if (!person || items.length > 1) {
  console.log(person ? "more than one; ask for the userName" : "nobody");
  process.exitCode = 1;
} else if (person.user.active === false) {
  console.log(`${person.user.userName} is deactivated`);
  process.exitCode = 1;
} else {
  console.log(`${person.user.userName} may enter`);
  for (const { role, via } of person.roles) console.log(`  as ${role}, by ${via.id ? "the group " : ""}${via.display}`);
}
