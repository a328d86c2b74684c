//! From files to what is wanted: all of them are read, and whatever they name; all faults are told at once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use provisioning::configuration::{ConfigurationError, Declared, values_of_file};
use scim_core::{
    profile::{BUILTIN, MAX_PROFILE, Profile},
    value_set::AllowedValue,
};
use store::tenants::{TenantSettings, TenantStatus};
use token_service::{Lifetime, lifetime::Limit};

use super::{
    file::{DeclarationFile, DestinationFile, ProfileFile, ProfileWord, TenantFile, ValueSetFile},
    files::{LARGEST, Permitted, bounded, text},
    secrets::{Secret, fetch},
    source::{Fault, Faults, Place, Source},
};

/// What is declared, with whatever the files name.
pub(crate) struct Wanted {
    pub(super) tenants: Vec<WantedTenant>,
    pub(super) destinations: Vec<WantedDestination>,
}

/// A tenant as it is wanted.
pub(super) struct WantedTenant {
    pub(super) place: Place,
    pub(super) slug: String,
    pub(super) compatibility: Option<String>,
    pub(super) declared: Declared,
    profile_from: ProfileFrom,
    pub(super) destinations: Vec<WantedDestination>,
}

/// Where the text of a profile stands.
enum ProfileFrom {
    /// In the program, or nowhere.
    Elsewhere,
    /// In the declaration.
    Here(Place),
    /// In this file.
    File(String),
}

impl WantedTenant {
    /// What is wrong with its configuration, at the place that it is about.
    pub(super) fn fault(&self, error: &ConfigurationError) -> Fault {
        match (error, &self.profile_from) {
            (ConfigurationError::Profile(error), ProfileFrom::Here(place)) => {
                place.fault_within(error.line, error.column, &error.problem)
            }
            (ConfigurationError::Profile(error), ProfileFrom::File(name)) => Fault::of_profile(name, error),
            (ConfigurationError::Profile(error), ProfileFrom::Elsewhere) => {
                self.place.fault_of(&format!("profile: {error}"))
            }
            (error, _) => {
                let problem = error.to_string();
                let field = problem.split_once(": ").map_or("", |(field, _)| field);
                let properties = &self.declared.settings.properties;
                let is_property = properties.keys().any(|name| name.eq_ignore_ascii_case(field));
                let within = if is_property { self.place.key("properties") } else { self.place.clone() };
                within.fault_of(&problem)
            }
        }
    }
}

/// A destination as it is wanted.
pub(super) struct WantedDestination {
    pub(super) place: Place,
    pub(super) file: DestinationFile,
    /// By member: `secret`, `headers.NAME`, `user`, `password`.
    pub(super) secrets: BTreeMap<String, Secret>,
}

/// Reads files, and of folders all files whose names end with `.toml`, but the settings that are in use and profiles that a
/// declaration names; `-` is stdin.
pub(crate) fn read(files: &[PathBuf], permitted: &Permitted) -> Result<Wanted, Faults> {
    let wanted = Wanted { tenants: Vec::new(), destinations: Vec::new() };
    let mut reader = Reader { wanted, faults: Vec::new(), permitted };
    let mut parsed = Vec::new();
    for file in files {
        match sources(file, permitted) {
            Ok(found) => parsed.extend(found.into_iter().map(|(source, of_folder)| {
                let read: Result<DeclarationFile, toml::de::Error> = toml::from_str(&source.text);
                (source, of_folder, read)
            })),
            Err(fault) => reader.faults.push(fault),
        }
    }
    let declared = parsed.iter().filter_map(|(source, _, read)| Some((source, read.as_ref().ok()?)));
    let profiles: HashSet<PathBuf> = declared.flat_map(|(source, read)| profiles_of(source, read)).collect();
    for (source, of_folder, read) in parsed {
        if of_folder.is_none_or(|path| !profiles.contains(&path)) {
            reader.source(source, read);
        }
    }
    reader.twice();
    match reader.faults.is_empty() {
        true => Ok(reader.wanted),
        false => Err(Faults(reader.faults)),
    }
}

/// Files that hold the profiles of a declaration.
fn profiles_of(source: &Source, read: &DeclarationFile) -> Vec<PathBuf> {
    let named = read.tenants.iter().filter_map(|tenant| match tenant.profile.as_ref()? {
        ProfileFile::File(reference) => source.folder.join(&reference.file).canonicalize().ok(),
        ProfileFile::Shipped(_) | ProfileFile::Text(_) => None,
    });
    named.collect()
}

/// What was found in a folder comes with its whole path.
fn sources(file: &Path, permitted: &Permitted) -> Result<Vec<(Source, Option<PathBuf>)>, Fault> {
    let name = file.display().to_string();
    let unreadable = |error: std::io::Error| Fault::of_file(&name, format_args!("cannot be read: {error}"));
    if file == Path::new("-") {
        let read = bounded(std::io::stdin().lock(), LARGEST).and_then(text);
        let text = read.map_err(|problem| Fault::of_file("stdin", problem))?;
        return Ok(vec![(Source { name: "stdin".to_owned(), folder: PathBuf::new(), text }, None)]);
    }
    if !file.is_dir() {
        return Ok(vec![(source(file)?, None)]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(file).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        if is_toml && path.is_file() && !permitted.is_of_settings(&path) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Fault::of_file(&name, "no file in it has a name that ends with .toml"));
    }
    files.iter().map(|file| Ok((source(file)?, file.canonicalize().ok()))).collect()
}

fn source(file: &Path) -> Result<Source, Fault> {
    let name = file.display().to_string();
    let opened = std::fs::File::open(file).map_err(|error| format!("cannot be read: {error}"));
    let read = opened.and_then(|file| bounded(file, LARGEST)).and_then(text);
    let text = read.map_err(|problem| Fault::of_file(&name, problem))?;
    Ok(Source { name, folder: file.parent().unwrap_or(Path::new("")).to_owned(), text })
}

struct Reader<'a> {
    wanted: Wanted,
    faults: Vec<Fault>,
    permitted: &'a Permitted,
}

impl Reader<'_> {
    fn source(&mut self, source: Source, read: Result<DeclarationFile, toml::de::Error>) {
        let parsed = match read {
            Ok(parsed) => parsed,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                return self.faults.push(source.fault_at(at, error.message()));
            }
        };
        let top = Place::of(Arc::new(source));
        for (at, tenant) in parsed.tenants.into_iter().enumerate() {
            let tenant = self.tenant(tenant, top.key("tenant").at(at));
            self.wanted.tenants.push(tenant);
        }
        for (at, destination) in parsed.destinations.into_iter().enumerate() {
            let destination = self.destination(destination, top.key("destination").at(at));
            self.wanted.destinations.push(destination);
        }
    }

    fn tenant(&mut self, file: TenantFile, place: Place) -> WantedTenant {
        let profile = file.profile.and_then(|profile| self.profile(profile, &place.key("profile")));
        let (profile, profile_from) = match profile {
            Some((text, from)) => (Some(text), from),
            None => (None, ProfileFrom::Elsewhere),
        };
        let mut value_sets = BTreeMap::new();
        for (name, set) in file.value_sets {
            let place = place.key("value-sets").key(&name);
            if let Some(values) = self.values(set, &place) {
                value_sets.insert(name, values);
            }
        }
        let properties = place.key("properties");
        self.same_names(file.properties.keys(), &properties, "properties");
        let days = file.max_token_lifetime.and_then(|text| match text.parse::<Limit>() {
            Ok(Limit(limit)) => Some(limit.map(Lifetime::days)),
            Err(error) => {
                let problem = format!("max-token-lifetime: {error}");
                self.faults.push(place.fault_of(&problem));
                None
            }
        });
        let rate = |per_second: u32| (per_second > 0).then(|| i32::try_from(per_second).unwrap_or(i32::MAX));
        let named = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        let settings = TenantSettings {
            name: file.name,
            organization: file.organization.map(named),
            properties: file.properties.into_iter().map(|(name, value)| (name, named(value))).collect(),
            credential_days: days,
            rate_limit: file.rate_limit.map(rate),
            status: file
                .active
                .map(|active| if active { TenantStatus::Active } else { TenantStatus::Inactive }),
            checked_by: None,
        };
        let below = place.key("destination");
        let destinations = file.destinations.into_iter().enumerate();
        let destinations = destinations.map(|(at, one)| self.destination(one, below.at(at))).collect();
        WantedTenant {
            slug: file.slug,
            compatibility: file.compatibility,
            declared: Declared { settings, profile, value_sets, prune: file.prune },
            profile_from,
            destinations,
            place,
        }
    }

    /// Its text; whether it is a good one is judged with the tenant.
    fn profile(&mut self, profile: ProfileFile, place: &Place) -> Option<(String, ProfileFrom)> {
        let read = match profile {
            ProfileFile::Shipped(name) => match Profile::builtin(&name) {
                Some(text) => Ok((text.to_owned(), ProfileFrom::Elsewhere)),
                None => {
                    let known: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
                    let known = known.join(", ");
                    Err(place.fault(format_args!("profile: there is no {name:?}; choose one of {known}")))
                }
            },
            ProfileFile::Text(text) => Ok((text.text, ProfileFrom::Here(place.key("text")))),
            ProfileFile::File(reference) => {
                let name = place.source().folder.join(&reference.file).display().to_string();
                let place = place.key("file");
                let read = self.permitted.read(&place, &reference.file, MAX_PROFILE as u64);
                read.and_then(|bytes| match text(bytes) {
                    Ok(text) => Ok((text, ProfileFrom::File(name))),
                    Err(problem) => Err(place.fault(format_args!("{name}: {problem}"))),
                })
            }
        };
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// `Some(None)`: the tenant has no list of its own.
    fn values(&mut self, set: ValueSetFile, place: &Place) -> Option<Option<Vec<AllowedValue>>> {
        let reference = match set {
            ValueSetFile::Values(values) => {
                return Some(Some(values.into_iter().map(AllowedValue::from).collect()));
            }
            ValueSetFile::Word(ProfileWord::Profile) => return Some(None),
            ValueSetFile::File(reference) => reference,
        };
        let name = place.source().folder.join(&reference.file).display().to_string();
        let read = self.permitted.read(&place.key("file"), &reference.file, LARGEST).and_then(|bytes| {
            let values = values_of_file(bytes.as_slice());
            values.map(Some).map_err(|error| Fault::of_file(&name, error))
        });
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Names that differ only in case are one name to whoever reads them.
    fn same_names<'a>(&mut self, names: impl Iterator<Item = &'a String>, place: &Place, of: &str) {
        let mut known: HashMap<String, &String> = HashMap::new();
        for name in names {
            if let Some(other) = known.insert(name.trim().to_ascii_lowercase(), name) {
                let problem = format_args!("{of}: {other} and {name} are the same name; leave one out");
                self.faults.push(place.key(name).fault(problem));
            }
        }
    }

    fn destination(&mut self, file: DestinationFile, place: Place) -> WantedDestination {
        let mut secrets = BTreeMap::new();
        let single = [("secret", &file.secret), ("user", &file.user), ("password", &file.password)];
        let named =
            single.into_iter().filter_map(|(member, secret)| Some((member.to_owned(), secret.as_ref()?)));
        let headers = file.headers.iter().flatten().map(|(name, value)| (format!("headers.{name}"), value));
        for (member, secret) in named.chain(headers) {
            let at = match member.split_once('.') {
                Some((headers, name)) => place.key(headers).key(name),
                None => place.key(&member),
            };
            match fetch(secret, &at, self.permitted) {
                Ok(secret) => drop(secrets.insert(member, secret)),
                Err(fault) => self.faults.push(fault),
            }
        }
        self.same_names(file.headers.iter().flat_map(BTreeMap::keys), &place.key("headers"), "headers");
        for (member, kinds) in foreign(&file) {
            let of = kinds.join(" or ");
            self.faults.push(
                place.key(member).fault(format_args!("{member}: only a destination of the kind {of} has it")),
            );
        }
        WantedDestination { place, file, secrets }
    }

    /// What is declared twice.
    fn twice(&mut self) {
        let mut slugs = HashMap::new();
        for tenant in &self.wanted.tenants {
            if slugs.insert(&tenant.slug, ()).is_some() {
                let problem = format_args!("slug: {} is declared twice", tenant.slug);
                self.faults.push(tenant.place.key("slug").fault(problem));
            }
        }
        let lists = self.wanted.tenants.iter().map(|tenant| &tenant.destinations);
        for list in lists.chain([&self.wanted.destinations]) {
            let mut names = HashMap::new();
            for one in list {
                if names.insert(one.file.name.trim(), ()).is_some() {
                    let problem = format_args!("name: there are two destinations called {}", one.file.name);
                    self.faults.push(one.place.key("name").fault(problem));
                }
            }
        }
    }
}

/// Members that are there and that destinations of this kind do not have, with the kinds that do.
fn foreign(file: &DestinationFile) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    const WEBHOOK: &[&str] = &["webhook"];
    const STREAM: &[&str] = &["redis-stream"];
    const LDAP: &[&str] = &["ldap"];
    const PASSWORD: &[&str] = &["redis-stream", "ldap"];
    let own = file.kind.word();
    [
        ("secret", file.secret.is_some(), WEBHOOK),
        ("headers", file.headers.is_some(), WEBHOOK),
        ("stream", file.stream.is_some(), STREAM),
        ("max-len", file.max_len.is_some(), STREAM),
        ("groups", file.groups.is_some(), STREAM),
        ("user", file.user.is_some(), STREAM),
        ("password", file.password.is_some(), PASSWORD),
        ("ldap", file.ldap.is_some(), LDAP),
    ]
    .into_iter()
    .filter(move |(_, is_there, kinds)| *is_there && !kinds.contains(&own))
    .map(|(member, _, kinds)| (member, kinds))
}
