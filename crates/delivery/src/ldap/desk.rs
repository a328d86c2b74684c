//! What is done to the entry of one user. Each of it may come twice, and an entry that is not there is made from the whole
//! state; what is somebody else's is left as it is.

use scim_core::{Document, fold};

use super::{
    connection::{Fault, Session},
    dn::Dn,
    mapping::{Entry, Mapping, Wanted},
    people::{Past, Story},
    settings::OnDelete,
    template::Subject,
};

/// A connection for one event.
pub(super) struct Desk<'w> {
    session: Session,
    mapping: &'w Mapping,
    attributes: Vec<String>,
}

impl<'w> Desk<'w> {
    pub(super) fn new(session: Session, mapping: &'w Mapping) -> Self {
        Self { session, mapping, attributes: mapping.looked_at() }
    }

    /// Is the place of the entries there?
    pub(super) async fn look(&mut self) -> Result<(), Fault> {
        match self.session.entry(&self.mapping.base, &self.attributes).await? {
            Some(_) => Ok(()),
            None => Err(self.no_base()),
        }
    }

    /// Makes the entry of a user what its state says; it may have the link from before still.
    pub(super) async fn write(
        &mut self,
        story: Story<'_>,
        state: &Document,
        before: Option<&Document>,
    ) -> Result<(), Fault> {
        let id = story.id;
        let user = Subject { id, document: state };
        let wanted = self.mapping.wanted(user).map_err(Fault::Conflict)?;
        let link = self.mapping.link_of(user).map_err(Fault::Conflict)?;
        let mut links = vec![link.clone()];
        if let Some(document) = before
            && let Ok(former) = self.mapping.link_of(Subject { id, document })
            && fold(&former) != fold(&link)
            // What it was called then somebody else may be called by now.
            && !story.is_told().await?
        {
            links.push(former);
        }
        let mapping = self.mapping;
        let is_meant = |entry: &Entry| {
            let has_former = || links.iter().any(|link| mapping.has_link(entry, link));
            // Somebody else has taken the former name, and says so.
            mapping.has_link(entry, &link)
                || mapping.has_id(entry, id)
                || (has_former() && !mapping.is_of_another(entry, id))
        };
        let found = match mapping.sought(&links, id) {
            Some(filter) => self.found(&filter, is_meant).await?,
            None => Vec::new(),
        };
        let entry = match <[Entry; 1]>::try_from(found) {
            Ok([entry]) => entry,
            Err(none) if none.is_empty() => {
                return match story.past().await? {
                    Past::GivenUp => Err(self.given_up(&link)),
                    _ => self.add(&wanted, &link).await,
                };
            }
            Err(several) => {
                let mut own = several.iter().filter(|entry| mapping.has_id(entry, id));
                if let (false, Some(own), None) = (wanted.active, own.next(), own.next()) {
                    self.close(own).await?;
                }
                return Err(self.several(&several, &link));
            }
        };
        self.update(id, entry, &wanted).await
    }

    async fn add(&mut self, wanted: &Wanted, link: &str) -> Result<(), Fault> {
        match self.session.add(&wanted.dn, self.mapping.whole(wanted)).await {
            Err(Fault::Exists) => Err(self.occupied(wanted, link).await?),
            Err(Fault::Absent) => Err(self.no_place(wanted)),
            done => done,
        }
    }

    async fn update(&mut self, id: &str, mut entry: Entry, wanted: &Wanted) -> Result<(), Fault> {
        if self.mapping.is_of_another(&entry, id) {
            let (dn, link) = (&entry.dn, self.mapping.link());
            let text = format!(
                "the entry {dn} is another user's, by the id that it holds, though its {link} is this user's"
            );
            return Err(untouched(&text));
        }
        if !Dn::parse(&entry.dn).is_some_and(|name| name.is_same(&wanted.name)) {
            // Whatever stands in the way of another name does not stand in the way of this.
            if !wanted.active {
                self.close(&entry).await?;
            }
            match self.session.rename(&entry.dn, &wanted.name).await {
                Err(Fault::Exists) => {
                    let text = format!(
                        "the entry {} of the user cannot be moved to {}: there is an entry of that name already",
                        entry.dn, wanted.dn
                    );
                    return Err(if wanted.active { untouched(&text) } else { Fault::Conflict(text) });
                }
                Err(Fault::Absent) => return Err(self.no_place(wanted)),
                done => done?,
            }
            let moved = self.session.entry(&wanted.dn, &self.attributes).await?;
            entry = moved
                .ok_or_else(|| Fault::Refused(format!("{} is not there after it was moved", wanted.dn)))?;
        }
        let differing = self.mapping.differences(wanted, &entry);
        let changes: Vec<_> =
            differing.into_iter().map(|one| (one.attribute, one.wanted.into_iter().collect())).collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.session.replace(&entry.dn, changes).await
    }

    /// Ends the entry of a user who is deleted, whose last state this is. Where none is found there may be one all the same:
    /// [`Self::missed`].
    pub(super) async fn end(&mut self, story: Story<'_>, last: &Document) -> Result<(), Fault> {
        let id = story.id;
        let user = Subject { id, document: last };
        let links: Vec<String> = self.mapping.link_of(user).ok().into_iter().collect();
        if self.found_and_ended(id, &links).await? {
            return Ok(());
        }
        match (story.past().await?, links.first()) {
            (Past::Unmade | Past::Ended, _) | (Past::Unknown, None) => Ok(()),
            (Past::GivenUp, Some(link)) => Err(self.given_up(link)),
            (Past::Written | Past::GivenUp, None) => Err(self.unlinked(id)),
            (past, Some(link)) => self.missed(user, link, past).await,
        }
    }

    /// Ends the entry of a user of whom nothing is known but the id; `must`: one that cannot be looked for is a fault.
    pub(super) async fn end_unknown(&mut self, story: Story<'_>, must: bool) -> Result<(), Fault> {
        let id = story.id;
        if self.mapping.holds_ids() {
            return self.found_and_ended(id, &[]).await.map(|_| ());
        }
        if !must || matches!(story.past().await?, Past::Unmade | Past::Ended) {
            return Ok(());
        }
        Err(Fault::Conflict(format!(
            "the user {id} was purged, so that nothing is known of it but its id, which entries do not hold: look for its entry \
             with `rollcall ldap reconcile`, and let an attribute be written as {{id}}"
        )))
    }

    /// Ends the entry with one of these links or with this id; `false`: there is none.
    async fn found_and_ended(&mut self, id: &str, links: &[String]) -> Result<bool, Fault> {
        let Some(filter) = self.mapping.sought(links, id) else { return Ok(false) };
        let mapping = self.mapping;
        let is_meant = |entry: &Entry| {
            let has_link = || links.iter().any(|link| mapping.has_link(entry, link));
            // The name may be somebody else's by now.
            mapping.has_id(entry, id) || (has_link() && !mapping.is_of_another(entry, id))
        };
        let mut found = self.found(&filter, is_meant).await?;
        if found.iter().any(|entry| mapping.has_id(entry, id)) {
            found.retain(|entry| mapping.has_id(entry, id));
        }
        let entry = match <[Entry; 1]>::try_from(found) {
            Ok([entry]) => entry,
            Err(none) if none.is_empty() => return Ok(false),
            Err(several) => return Err(self.several(&several, links.first().map_or(id, String::as_str))),
        };
        let done = match self.mapping.on_delete {
            OnDelete::Delete => self.session.delete(&entry.dn).await,
            OnDelete::Deactivate => self.close(&entry).await,
        };
        match done {
            Ok(()) | Err(Fault::Absent) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// Nothing has the link of a user who is deleted. Either the entry is gone, and so is its name; or somebody has given it
    /// another link, and it is still open.
    async fn missed(&mut self, user: Subject<'_>, link: &str, past: Past) -> Result<(), Fault> {
        let Ok(wanted) = self.mapping.wanted(user) else { return Ok(()) };
        let Some(entry) = self.session.entry(&wanted.dn, &self.attributes).await? else { return Ok(()) };
        let is_anothers = self.mapping.is_of_another(&entry, user.id)
            || (past == Past::Unknown && entry.values(self.mapping.link()).next().is_some());
        let is_ended = self.mapping.on_delete == OnDelete::Deactivate && self.is_ended(&entry);
        if is_anothers || is_ended {
            return Ok(());
        }
        let text = format!(
            "the user is deleted, and no entry has its {attribute} {link}; but there is an entry {dn}, which {whose}. If it is \
             this user's, give it the {attribute} {link}; if not, this can be left",
            attribute = self.mapping.link(),
            dn = entry.dn,
            whose = self.whose(Some(&entry)),
        );
        Err(untouched(&text))
    }

    /// Lets an entry say that its user is not active, and changes nothing else.
    async fn close(&mut self, entry: &Entry) -> Result<(), Fault> {
        if self.is_ended(entry) {
            return Ok(());
        }
        self.session.replace(&entry.dn, vec![self.mapping.active_value(false)]).await
    }

    fn is_ended(&self, entry: &Entry) -> bool {
        let (attribute, values) = self.mapping.active_value(false);
        entry.values(&attribute).eq(values.iter().map(String::as_str))
    }

    async fn found(&mut self, filter: &str, is_meant: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>, Fault> {
        match self.session.below(&self.mapping.base, filter, &self.attributes, is_meant).await {
            Err(Fault::Absent) => Err(self.no_base()),
            found => found,
        }
    }

    fn several(&self, entries: &[Entry], link: &str) -> Fault {
        let names: Vec<&str> = entries.iter().map(|entry| entry.dn.as_str()).collect();
        let text = format!(
            "several entries are linked to one user ({} {link}): {}; one has to go",
            self.mapping.link(),
            names.join(" and ")
        );
        untouched(&text)
    }

    /// Without it a second entry might be made, or none be ended.
    fn given_up(&self, link: &str) -> Fault {
        let text = format!(
            "no entry has the {} {link}, and an earlier event of this user was given up, so that its entry may have another one \
             still: settle that, and send again what was given up",
            self.mapping.link()
        );
        untouched(&text)
    }

    fn unlinked(&self, id: &str) -> Fault {
        let text = format!(
            "the user {id} is deleted, and lacks what its entry could be found by, the {}: look for it with `rollcall ldap \
             reconcile`, and let an attribute be written as {{id}}",
            self.mapping.link()
        );
        untouched(&text)
    }

    /// An entry has the name that is to be given, and is not the user's.
    async fn occupied(&mut self, wanted: &Wanted, link: &str) -> Result<Fault, Fault> {
        let attribute = self.mapping.link().to_owned();
        let there = self.session.entry(&wanted.dn, std::slice::from_ref(&attribute)).await?;
        let text = format!(
            "there is an entry {} already, which {}; if it is this user's, give it the {attribute} {link}",
            wanted.dn,
            self.whose(there.as_ref())
        );
        Ok(untouched(&text))
    }

    fn whose(&self, entry: Option<&Entry>) -> String {
        let attribute = self.mapping.link();
        let held: Vec<&str> = entry.into_iter().flat_map(|entry| entry.values(attribute)).collect();
        match held.as_slice() {
            [] => format!("is linked to nobody (it has no {attribute})"),
            held => format!("is linked to another user ({attribute} {})", held.join(", ")),
        }
    }

    fn no_base(&self) -> Fault {
        Fault::Refused(format!("the base DN {} is not there, or may not be read", self.mapping.base))
    }

    fn no_place(&self, wanted: &Wanted) -> Fault {
        let (place, dn) = (wanted.name.parent(), &wanted.dn);
        Fault::Conflict(format!("{dn} has no place: {place} is not there, or may not be written to"))
    }
}

/// A conflict: it is for people to settle.
fn untouched(text: &str) -> Fault {
    Fault::Conflict(format!("{text}. Nothing was changed"))
}
