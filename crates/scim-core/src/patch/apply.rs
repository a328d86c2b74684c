//! Operations in order: what each one aims at, and where in the document its change belongs.

use serde_json::{Map, Value};

use super::{
    MemberOp, Op, Operation, Patched,
    change::Change,
    members,
    select::{self, Selection},
    work::{Work, size},
};
use crate::{
    Document, ResourceKind,
    error::{ScimError, ScimType},
    intake::{
        Dropped, check_immutable, is_members, is_password, is_silently_dropped, is_unassigned, put, shown,
    },
    leniency::Leniencies,
    path::Resolved,
    resource::{AttrRef, ResourceType},
    schema,
};

/// See [`super::PatchRequest::apply`].
pub(super) fn apply(
    operations: &[Operation],
    resource_type: &ResourceType,
    leniencies: Leniencies,
    document: &Document,
) -> Result<Patched, ScimError> {
    let mut patcher = Patcher {
        resource_type,
        leniencies,
        document: document.clone(),
        members: Vec::new(),
        ignored: Dropped::default(),
        work: Work::default(),
    };
    for (position, operation) in operations.iter().enumerate() {
        patcher.run(operation).map_err(|error| ScimError {
            detail: format!("Operations[{position}]: {}", error.detail),
            ..error
        })?;
    }
    check_immutable(resource_type, document, &patcher.document)?;
    let Patcher { document, members, ignored, .. } = patcher;
    Ok(Patched { document, members, ignored: ignored.into_names() })
}

struct Patcher<'a> {
    resource_type: &'a ResourceType,
    leniencies: Leniencies,
    document: Document,
    members: Vec<MemberOp>,
    ignored: Dropped,
    work: Work,
}

impl Patcher<'_> {
    fn run(&mut self, operation: &Operation) -> Result<(), ScimError> {
        match &operation.path {
            None => self.whole(operation),
            Some(path) if self.is_nested_core(path.trim()) => self.whole(operation),
            Some(path) => self.at_path(operation, path),
        }
    }

    /// An operation without path: each key of the value names an attribute.
    fn whole(&mut self, operation: &Operation) -> Result<(), ScimError> {
        if operation.op == Op::Remove {
            return Err(ScimError::bad_request(
                ScimType::NoTarget,
                "remove needs a path that names what to remove.",
            ));
        }
        let fields = self.object("value", operation.value.as_ref())?;
        for (key, value) in fields {
            self.named(operation.op, None, key, value)?;
        }
        Ok(())
    }

    /// The core URN where an extension's could stand.
    fn is_nested_core(&self, name: &str) -> bool {
        self.resource_type.leniencies.nested_core && name.eq_ignore_ascii_case(&self.resource_type.known.id)
    }

    fn object<'v>(&self, path: &str, value: Option<&'v Value>) -> Result<&'v Map<String, Value>, ScimError> {
        match value {
            Some(Value::Object(fields)) => Ok(fields),
            Some(Value::Array(items)) if self.leniencies.single_as_list && items.len() == 1 => {
                self.object(path, items.first())
            }
            _ => Err(ScimError::invalid_value(
                path,
                "must be an object of attributes, unless path names one attribute.",
            )),
        }
    }

    /// A key inside a value, on its own or within an extension. What nobody may write is left out in silence, what
    /// is unknown or not offered is noted.
    fn named(&mut self, op: Op, urn: Option<&str>, key: &str, value: &Value) -> Result<(), ScimError> {
        self.work.name(key)?;
        if urn.is_none()
            && self.is_nested_core(key)
            && let Value::Object(fields) = value
        {
            return fields.iter().try_for_each(|(key, value)| self.named(op, None, key, value));
        }
        let name = urn.map_or_else(|| key.to_owned(), |urn| format!("{urn}:{key}"));
        let (target, selection) = if key.contains('[') {
            match self.resource_type.patch_path(&name, self.leniencies.boolean_strings) {
                Ok(path) => (path.target, path.filter.map(|filter| Selection::new(filter, &name))),
                Err(_) => (Resolved::Unknown(name.clone()), None),
            }
        } else {
            (self.resource_type.resolve(&name), None)
        };
        match target {
            Resolved::Extension(index) => self.extension(op, index, Some(value)),
            Resolved::Attribute(target) => {
                if key.contains(['.', ':', '[']) && !self.leniencies.dotted_keys {
                    return Err(ScimError::invalid_value(
                        &shown(&name),
                        "is a path and cannot be a key of value; send an operation of its own with this path.",
                    ));
                }
                if is_silently_dropped(&target) {
                    return Ok(());
                }
                self.attribute(op, &target, selection, Some(value))
            }
            Resolved::NotOffered(name) | Resolved::Unknown(name) => {
                self.ignore(&name);
                Ok(())
            }
        }
    }

    fn at_path(&mut self, operation: &Operation, path: &str) -> Result<(), ScimError> {
        self.work.name(path)?;
        let parsed = self.resource_type.patch_path(path, self.leniencies.boolean_strings)?;
        let op = operation.op;
        match parsed.target {
            Resolved::Extension(index) => self.extension(op, index, operation.value.as_ref()),
            Resolved::Attribute(target) => {
                if !self.may_change(op, &target)? {
                    return Ok(());
                }
                if op != Op::Remove && operation.value.is_none() {
                    return Err(ScimError::invalid_value(
                        &target.path(),
                        "the operation has no value; add one.",
                    ));
                }
                let selection = parsed.filter.map(|filter| Selection::new(filter, path));
                self.attribute(op, &target, selection, operation.value.as_ref())
            }
            Resolved::NotOffered(name) => {
                self.ignore(&name);
                Ok(())
            }
            Resolved::Unknown(name) if self.is_enterprise(&name) => {
                self.ignore(&name);
                Ok(())
            }
            Resolved::Unknown(name) => Err(ScimError::bad_request(
                ScimType::InvalidPath,
                format!("path: no attribute {:?} is known here; compare it with /Schemas.", shown(&name)),
            )),
        }
    }

    /// `Ok(false)`: it may be named, and nothing happens (`password` and `schemas` are not kept in the document).
    fn may_change(&self, op: Op, target: &AttrRef) -> Result<bool, ScimError> {
        if !is_silently_dropped(target) {
            return Ok(true);
        }
        let kept_elsewhere = target.extension.is_none()
            && (target.attribute.name == "password"
                || (target.attribute.name == "schemas" && op != Op::Remove));
        if kept_elsewhere {
            return Ok(false);
        }
        Err(ScimError::bad_request(
            ScimType::Mutability,
            format!("{}: is read-only; leave the operation out.", target.path()),
        ))
    }

    /// Enterprise attributes by their bare name, as older Entra jobs send them to anybody.
    fn is_enterprise(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        self.resource_type.leniencies.bare_extension_names
            && self.resource_type.kind == ResourceKind::User
            && schema::ENTERPRISE_USER.attribute(first).is_some()
    }

    fn ignore(&mut self, name: &str) {
        if !is_password(self.resource_type, name) {
            self.ignored.push(name);
        }
    }

    /// An operation on a whole extension.
    fn extension(&mut self, op: Op, index: usize, value: Option<&Value>) -> Result<(), ScimError> {
        let Some(extension) = self.resource_type.extensions.get(index) else { return Ok(()) };
        let urn = extension.schema.id.as_str();
        if op == Op::Remove {
            let required = extension.schema.attributes.iter().find(|attribute| attribute.required);
            if let Some(attribute) = required
                && self.document.contains_key(urn)
            {
                return Err(required_stays(&format!("{urn}:{}", attribute.name)));
            }
            self.document.remove(urn);
            return Ok(());
        }
        let Some(value) = value else {
            return Err(ScimError::invalid_value(urn, "the operation has no value; add one."));
        };
        if is_unassigned(value) {
            if op == Op::Replace {
                self.document.remove(urn);
            }
            return Ok(());
        }
        for (key, value) in self.object(urn, Some(value))? {
            self.named(op, Some(urn), key, value)?;
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        op: Op,
        target: &AttrRef,
        selection: Option<Selection>,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        if is_members(self.resource_type, target) {
            let change = members::change(op, target, selection.as_ref(), value, self.leniencies)?;
            self.members.extend(change);
            return Ok(());
        }
        if op == Op::Remove && self.must_stay(target, selection.as_ref(), value) {
            return Err(required_stays(&target.path()));
        }
        let current = self.take(target);
        let terms = selection.as_ref().map_or(0, |selection| select::terms(&selection.filter));
        self.work.bytes(current.as_ref().map_or(0, size), 1 + terms)?;
        self.work.bytes(value.map_or(0, size), 1)?;
        let mut change = Change::new(op, target, selection.as_ref(), value, self.leniencies, &mut self.work);
        let changed = change.apply(current)?;
        for name in change.into_dropped() {
            self.ignored.push(&name);
        }
        if let Some(value) = changed {
            put(&mut self.document, target, value);
        }
        self.drop_empty(target);
        Ok(())
    }

    /// Whether a remove aims at something required that is there. What a filter or a value selects may go: whether
    /// enough is left shows when the whole document is validated.
    fn must_stay(&self, target: &AttrRef, selection: Option<&Selection>, value: Option<&Value>) -> bool {
        let by_value = target.attribute.multi_valued && value.is_some_and(|value| !value.is_null());
        let required = match (&target.sub, selection) {
            (Some(sub), _) => sub.required,
            (None, Some(_)) => false,
            (None, None) => target.attribute.required && !by_value,
        };
        let holder = match &target.extension {
            None => Some(&self.document),
            Some(urn) => self.document.get(urn.as_ref()).and_then(Value::as_object),
        };
        required && holder.is_some_and(|fields| fields.contains_key(&target.attribute.name))
    }

    /// Takes the attribute out of the document; the change puts it back.
    fn take(&mut self, target: &AttrRef) -> Option<Value> {
        match &target.extension {
            None => self.document.remove(&target.attribute.name),
            Some(urn) => self.document.get_mut(urn.as_ref())?.as_object_mut()?.remove(&target.attribute.name),
        }
    }

    fn drop_empty(&mut self, target: &AttrRef) {
        if let Some(urn) = &target.extension
            && self.document.get(urn.as_ref()).is_some_and(is_unassigned)
        {
            self.document.remove(urn.as_ref());
        }
    }
}

fn required_stays(path: &str) -> ScimError {
    ScimError::bad_request(
        ScimType::Mutability,
        format!("{path}: is required and cannot be removed; replace it instead."),
    )
}
