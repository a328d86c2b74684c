//! Users and groups of the tiny server: create, read, change, delete.

use axum::http::Uri;
use serde_json::{Map, Value, json};

use super::filter::{parameter, query};
use super::{Answer, Data, Flaw, GROUP, Mini, USER};

impl Mini {
    fn new_id(&self, data: &mut Data) -> String {
        data.next += 1;
        match self.flaw {
            Some(Flaw::BulkIdInId) => format!("bulkId-{}", data.next),
            Some(Flaw::SameIdForAll) => "1".to_owned(),
            _ => format!("id-{:04}", data.next),
        }
    }

    pub(super) fn render(&self, one: &Map<String, Value>, user: bool) -> Value {
        let mut body = one.clone();
        let kind = if user { "User" } else { "Group" };
        let mut schemas = vec![if user { USER } else { GROUP }.to_owned()];
        if !self.has(Flaw::ExtensionUndeclared) {
            schemas.extend(one.keys().filter(|key| key.starts_with("urn:")).cloned());
        }
        if self.has(Flaw::ActiveLeftOutWhenFalse) && one.get("active") == Some(&json!(false)) {
            body.remove("active");
        }
        if !user {
            body.entry("members").or_insert_with(|| json!([]));
        }
        body.insert("schemas".into(), json!(schemas));
        let location = format!("{}/{kind}s/{}", self.base, one["id"].as_str().unwrap());
        body.insert("meta".into(), json!({"resourceType": kind, "location": location}));
        Value::Object(body)
    }

    pub(super) fn create_user(&self, data: &mut Data, body: &Value) -> Answer {
        let misspelled = json!("urn:ietf:params:scim:schemas:extension:enterprise:2.0User");
        if self.has(Flaw::MisspelledUrnRefused)
            && body["schemas"].as_array().is_some_and(|list| list.contains(&misspelled))
        {
            return Err((400, "no such schema"));
        }
        if self.has(Flaw::LocaleChecked) && body["locale"].as_str().is_some_and(|locale| locale.len() > 6) {
            return Err((400, "locale is no language tag"));
        }
        let name = body["userName"].as_str().unwrap().to_owned();
        let taken = data.users.iter().any(|one| {
            let other = one["userName"].as_str().unwrap();
            if self.has(Flaw::DuplicateByCaseAccepted) {
                other == name
            } else {
                other.eq_ignore_ascii_case(&name)
            }
        });
        let mut user = self.as_product(self.accepted(body))?;
        if taken && self.links() {
            let same =
                |one: &Map<String, Value>| one["userName"].as_str().unwrap().eq_ignore_ascii_case(&name);
            let place = data.users.iter().position(same).unwrap();
            user.insert("id".into(), data.users[place]["id"].clone());
            data.users[place] = user;
            return Ok((201, self.render(&data.users[place], true)));
        }
        if taken && !self.has(Flaw::DuplicateAccepted) {
            return Err((409, "userName is taken"));
        }
        user.insert("id".into(), json!(self.new_id(data)));
        let rendered = self.render(&user, true);
        data.users.push(user);
        Ok((201, rendered))
    }

    pub(super) fn user(&self, data: &mut Data, method: &str, id: &str, body: &Value) -> Answer {
        let unknown = (404, "no such user");
        let place = data.users.iter().position(|one| one["id"] == json!(id)).ok_or(unknown)?;
        let was_active = data.users[place].get("active") != Some(&json!(false));
        if self.has(Flaw::InactiveVanishes) && !was_active {
            return Err(unknown);
        }
        match method {
            "GET" => {}
            "PUT" if self.has(Flaw::PutIgnored) => return Ok((200, self.echo(id, body))),
            "PUT" => {
                let mut user = self.as_product(self.accepted(body))?;
                user.insert("id".into(), json!(id));
                data.users[place] = user;
            }
            "PATCH" if self.has(Flaw::PatchIgnored) => return Ok((204, Value::Null)),
            "PATCH" => {
                let mut user = self.as_product(self.patched(&data.users[place], body, USER)?)?;
                if self.has(Flaw::EmptyValueKept) {
                    for (key, value) in data.users[place].clone() {
                        user.entry(key).or_insert(value);
                    }
                }
                data.users[place] = user;
            }
            "DELETE" => return self.delete_user(data, place),
            _ => return Err((405, "no such method")),
        }
        let is_active = data.users[place].get("active") != Some(&json!(false));
        if self.has(Flaw::NewIdOnReactivation) && !was_active && is_active {
            let id = self.new_id(data);
            data.users[place].insert("id".into(), json!(id));
        }
        if self.has(Flaw::DisableEndsMembership) && !is_active {
            leave_groups(data, id);
        }
        if self.has(Flaw::EmptyAnswerToPatch) && method == "PATCH" {
            return Ok((200, Value::Null));
        }
        Ok((200, self.render(&data.users[place], true)))
    }

    fn delete_user(&self, data: &mut Data, place: usize) -> Answer {
        if self.has(Flaw::DeletedUserStays) {
            return Ok((204, Value::Null));
        }
        if self.keeps_everybody() {
            data.users[place].insert("active".into(), json!(false));
            return Ok((204, Value::Null));
        }
        let user = data.users.remove(place);
        if !self.has(Flaw::DeletedMemberStays) {
            leave_groups(data, user["id"].as_str().unwrap());
        }
        Ok((204, Value::Null))
    }

    /// A good-looking answer with nothing behind it.
    fn echo(&self, id: &str, body: &Value) -> Value {
        let mut user = self.accepted(body);
        user.insert("id".into(), json!(id));
        self.render(&user, true)
    }

    pub(super) fn create_group(&self, data: &mut Data, body: &Value) -> Answer {
        let many = body["schemas"].as_array().is_some_and(|list| list.len() > 1);
        if self.has(Flaw::SecondSchemaRefused) && many {
            return Err((400, "no such schema"));
        }
        let name = body["displayName"].as_str().unwrap();
        let taken =
            data.groups.iter().any(|one| one["displayName"].as_str().unwrap().eq_ignore_ascii_case(name));
        if taken && !self.has(Flaw::DuplicateGroupAccepted) {
            return Err((409, "displayName is taken"));
        }
        let mut group = self.accepted_group(body);
        group.insert("id".into(), json!(self.new_id(data)));
        let rendered = self.render(&group, false);
        data.groups.push(group);
        Ok((201, rendered))
    }

    pub(super) fn group(&self, data: &mut Data, method: &str, id: &str, uri: &Uri, body: &Value) -> Answer {
        let place =
            data.groups.iter().position(|one| one["id"] == json!(id)).ok_or((404, "no such group"))?;
        match method {
            "GET" => {}
            "PUT" | "PATCH" => {
                let mut group = match method {
                    "PUT" => self.accepted_group(body),
                    _ => self.patched(&data.groups[place], body, GROUP)?,
                };
                if !self.has(Flaw::UnknownMemberKept) {
                    let known = |member: &Value| data.users.iter().any(|user| user["id"] == member["value"]);
                    members(&mut group).retain(known);
                }
                group.insert("id".into(), json!(id));
                data.groups[place] = group;
            }
            "DELETE" => {
                if !self.has(Flaw::DeletedGroupStays) {
                    let mut group = data.groups.remove(place);
                    if self.has(Flaw::GroupDeleteTakesUsers) {
                        let gone = members(&mut group);
                        data.users.retain(|user| !gone.iter().any(|member| member["value"] == user["id"]));
                    }
                }
                return Ok((204, Value::Null));
            }
            _ => return Err((405, "no such method")),
        }
        // Both answers to a change of a group are right, so both are given.
        if method == "PATCH" && parameter(&query(uri), "aadOptscim062020").is_some() {
            return Ok((204, Value::Null));
        }
        let mut rendered = self.projected(self.render(&data.groups[place], false), uri);
        if method == "PATCH" && self.has(Flaw::MembersLeftOutOfPatchAnswer) {
            rendered.as_object_mut().unwrap().remove("members");
        }
        Ok((200, rendered))
    }
}

fn leave_groups(data: &mut Data, id: &str) {
    for group in &mut data.groups {
        members(group).retain(|member| member["value"] != json!(id));
    }
}

fn members(group: &mut Map<String, Value>) -> &mut Vec<Value> {
    group.entry("members").or_insert_with(|| json!([])).as_array_mut().unwrap()
}
