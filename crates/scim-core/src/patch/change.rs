//! One change of one attribute: from its current value to the next.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    Op,
    select::{Selection, no_target},
    work::{Work, size},
};
use crate::{
    error::{ScimError, ScimType},
    fold::fold,
    intake::{Coercion, Entries, MAX_ELEMENTS, is_primary, is_unassigned},
    leniency::Leniencies,
    resource::AttrRef,
    schema::{Attribute, AttributeType, Mutability},
};

type Fields = Map<String, Value>;

/// An operation on an attribute that may be changed.
pub(super) struct Change<'a> {
    op: Op,
    target: &'a AttrRef,
    selection: Option<&'a Selection>,
    value: &'a Value,
    path: String,
    leniencies: Leniencies,
    coercion: Coercion,
    work: &'a mut Work,
}

impl<'a> Change<'a> {
    /// `value` is null where the operation has none.
    pub(super) fn new(
        op: Op,
        target: &'a AttrRef,
        selection: Option<&'a Selection>,
        value: Option<&'a Value>,
        leniencies: Leniencies,
        work: &'a mut Work,
    ) -> Self {
        let coercion = Coercion::new(leniencies);
        let value = value.unwrap_or(&Value::Null);
        Self { op, target, selection, value, path: target.path(), leniencies, coercion, work }
    }

    /// The next value, canonical; `None` when the attribute is unassigned after it.
    pub(super) fn apply(&mut self, current: Option<Value>) -> Result<Option<Value>, ScimError> {
        let attribute = self.attribute();
        let next = if attribute.multi_valued {
            let list = match current {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            };
            let mut list = match (self.selection, &self.target.sub) {
                (Some(selection), _) => self.selected(list, selection)?,
                (None, Some(sub)) => self.in_every_element(list, sub)?,
                (None, None) => self.whole_list(list)?,
            };
            list.retain(|element| !is_unassigned(element));
            // Two elements may have become alike.
            Some(Value::Array(Entries::of(list).into_list()))
        } else {
            match &self.target.sub {
                Some(sub) => {
                    self.in_singular(fields_of(current), sub).map(|fields| fields.map(Value::Object))
                }
                None => self.singular(current),
            }?
        };
        let coercion = std::mem::replace(&mut self.coercion, Coercion::new(self.leniencies));
        self.coercion.dropped = coercion.dropped;
        coercion.problems.finish()?;
        self.check_size(next.as_ref())?;
        Ok(next.filter(|value| !is_unassigned(value)))
    }

    /// Names inside the value that nobody knows.
    pub(super) fn into_dropped(self) -> Vec<String> {
        self.coercion.dropped.into_names()
    }

    fn attribute(&self) -> &'a Attribute {
        &self.target.attribute
    }

    fn check_size(&self, next: Option<&Value>) -> Result<(), ScimError> {
        match next {
            Some(Value::Array(list)) if list.len() > MAX_ELEMENTS => Err(ScimError::invalid_value(
                &self.path,
                format!("would hold more than {MAX_ELEMENTS} elements; remove some first."),
            )),
            _ => Ok(()),
        }
    }

    // Singular attributes

    fn singular(&mut self, current: Option<Value>) -> Result<Option<Value>, ScimError> {
        if self.op == Op::Remove {
            return Ok(None);
        }
        if is_unassigned(self.value) {
            return Ok(current.filter(|_| self.op == Op::Add));
        }
        let attribute = self.attribute();
        if attribute.kind != AttributeType::Complex {
            let value = self.coercion.value(attribute, &self.path, self.value);
            return Ok(value.or(current.filter(|_| self.op == Op::Add)));
        }
        let value = self.alone(self.value)?;
        let merged = self.merge(fields_of(current), value, true);
        Ok(Some(Value::Object(merged)))
    }

    fn in_singular(&mut self, mut fields: Fields, sub: &Attribute) -> Result<Option<Fields>, ScimError> {
        if self.op == Op::Remove {
            fields.remove(&sub.name);
            return Ok(Some(fields));
        }
        let value = self.coercion.value(sub, &self.path, self.value);
        Ok(Some(self.with_sub(fields, sub, value, true)))
    }

    /// The one object of a list of one.
    fn alone<'v>(&self, value: &'v Value) -> Result<&'v Value, ScimError> {
        match value {
            Value::Array(items) if self.leniencies.single_as_list && items.len() == 1 => Ok(&items[0]),
            Value::Array(_) => Err(ScimError::invalid_value(
                &self.path,
                "takes one value, not a list; send the value alone.",
            )),
            value => Ok(value),
        }
    }

    /// Lays the sub-attributes of a complex value over the current ones; those not mentioned stay, null clears in a
    /// replace.
    fn merge(&mut self, mut fields: Fields, value: &Value, singular: bool) -> Fields {
        let attribute = self.attribute();
        let path = self.path.clone();
        let mut given = self.coercion.sub_values(attribute, &path, value).unwrap_or_default();
        // `value` first: it may start the object anew.
        given.sort_by_key(|(sub, _)| sub.name != "value");
        for (sub, value) in given {
            let value = self.coercion.value(sub, &format!("{path}.{}", sub.name), value);
            fields = self.with_sub(fields, sub, value, singular);
        }
        fields
    }

    /// Sets one sub-attribute, or clears it in a replace. In a singular attribute that points somewhere (`manager`)
    /// another `value` makes another object: the old `$ref` must not stay.
    fn with_sub(
        &mut self,
        mut fields: Fields,
        sub: &Attribute,
        value: Option<Value>,
        singular: bool,
    ) -> Fields {
        let current = fields.get(&sub.name);
        if value.is_none() && (self.op == Op::Add || current.is_none()) {
            return fields;
        }
        if singular && sub.name == "value" && current.is_some() && current != value.as_ref() {
            fields.clear();
        }
        match value {
            Some(value) => fields.insert(sub.name.clone(), value),
            None => fields.remove(&sub.name),
        };
        fields
    }

    // Lists

    fn whole_list(&mut self, current: Vec<Value>) -> Result<Vec<Value>, ScimError> {
        let attribute = self.attribute();
        if self.op == Op::Remove {
            return self.remove_by_value(current);
        }
        let given = match self.coercion.value(attribute, &self.path, self.value) {
            Some(Value::Array(given)) => given,
            _ => Vec::new(),
        };
        if self.op == Op::Replace { Ok(given) } else { append(current, given, self.work) }
    }

    /// Removes the elements that hold everything that some element of the value holds; all without a value.
    fn remove_by_value(&mut self, current: Vec<Value>) -> Result<Vec<Value>, ScimError> {
        if self.value.is_null() {
            return Ok(Vec::new());
        }
        if !self.leniencies.remove_by_value {
            return Err(ScimError::invalid_value(
                &self.path,
                "remove takes no value; select the elements in the path: attr[value eq \"…\"].",
            ));
        }
        let attribute = self.attribute();
        let single = std::slice::from_ref(self.value);
        let items = self.value.as_array().map_or(single, Vec::as_slice);
        let mut unwanted = Vec::with_capacity(items.len());
        for item in items.iter().filter(|item| !is_unassigned(item)) {
            unwanted.extend(self.coercion.element(attribute, &self.path, item));
        }
        self.without(current, &unwanted)
    }

    /// The elements that hold no pattern.
    fn without(&mut self, current: Vec<Value>, unwanted: &[Value]) -> Result<Vec<Value>, ScimError> {
        let attribute = self.attribute();
        let patterns: Vec<Value> = unwanted.iter().map(|pattern| folded(attribute, pattern)).collect();
        // A pattern with a value fits elements of that value only.
        let mut by_value: HashMap<Option<String>, Vec<&Value>> = HashMap::new();
        for pattern in &patterns {
            by_value.entry(value_key(pattern)).or_default().push(pattern);
        }
        let mut kept = Vec::with_capacity(current.len());
        for element in current {
            let own = folded(attribute, &element);
            let keys = [value_key(&own).map(Some), Some(None)];
            let candidates: Vec<&Vec<&Value>> =
                keys.iter().flatten().filter_map(|key| by_value.get(key)).collect();
            self.work.pairs(candidates.iter().map(|patterns| patterns.len()).sum()).map_err(|error| {
                let detail = format!("{}: names too many elements to remove; split it.", self.path);
                ScimError { detail, ..error }
            })?;
            if !candidates.into_iter().flatten().any(|pattern| says_as_much(&own, pattern)) {
                kept.push(element);
            }
        }
        Ok(kept)
    }

    /// A path like `emails.type`: every element.
    fn in_every_element(
        &mut self,
        mut current: Vec<Value>,
        sub: &Attribute,
    ) -> Result<Vec<Value>, ScimError> {
        let positions: Vec<usize> = (0..current.len()).collect();
        if positions.is_empty() && self.op != Op::Remove {
            current.push(Value::Object(Map::new()));
            return self.change_elements(current, &[0], Some(sub));
        }
        self.change_elements(current, &positions, Some(sub))
    }

    /// A path like `emails[type eq "work"]` or `emails[type eq "work"].value`.
    fn selected(&mut self, current: Vec<Value>, selection: &Selection) -> Result<Vec<Value>, ScimError> {
        let positions = selection.positions(&current);
        let sub = self.target.sub.as_deref();
        if positions.is_empty() {
            if self.op == Op::Remove {
                return if self.leniencies.remove_without_match {
                    Ok(current)
                } else {
                    Err(no_target(&self.path))
                };
            }
            let described = match self.attribute().kind {
                AttributeType::Complex => selection
                    .described()
                    .map(Value::Object)
                    .filter(|element| selection.filter.matches_element(element) && self.can_be_kept(element)),
                _ => selection.is_equality().then_some(Value::Null),
            };
            let element = described
                .filter(|_| self.leniencies.create_missing_element)
                .ok_or_else(|| no_target(&self.path))?;
            if is_unassigned(self.value) {
                return Ok(current);
            }
            let created = self.change_element(element, sub)?;
            let created = (!is_unassigned(&created)).then_some(created);
            return append(current, created.into_iter().collect(), self.work);
        }
        self.change_elements(current, &positions, sub)
    }

    /// Whether an element that a filter describes is canonical: the filter may ask for what no element can hold, such
    /// as an empty `type`.
    fn can_be_kept(&self, element: &Value) -> bool {
        let mut coercion = Coercion::new(self.leniencies);
        let kept = coercion.element(self.attribute(), &self.path, element);
        kept.as_ref() == Some(element) && coercion.finish().is_ok()
    }

    /// Changes some elements; one that becomes the primary one takes the mark from all others.
    fn change_elements(
        &mut self,
        mut current: Vec<Value>,
        positions: &[usize],
        sub: Option<&Attribute>,
    ) -> Result<Vec<Value>, ScimError> {
        self.work.bytes(size(self.value), positions.len())?;
        let mut marked = Vec::new();
        for &at in positions {
            let Some(slot) = current.get_mut(at) else { continue };
            let element = slot.take();
            let was_primary = is_primary(&element);
            *slot = self.change_element(element, sub)?;
            if is_primary(slot) && (!was_primary || self.names_primary(sub)) {
                marked.push(at);
            }
        }
        match marked[..] {
            [] => {}
            [at] => clear_primaries(&mut current, Some(at)),
            _ => {
                return Err(ScimError::invalid_value(
                    &format!("{}.primary", self.attribute().name),
                    "would be true in more than one element; select one only.",
                ));
            }
        }
        Ok(current)
    }

    fn names_primary(&self, sub: Option<&Attribute>) -> bool {
        match sub {
            Some(sub) => sub.name == "primary",
            None => self
                .value
                .as_object()
                .is_some_and(|fields| fields.keys().any(|key| key.eq_ignore_ascii_case("primary"))),
        }
    }

    /// One element after the operation; null when it is removed.
    fn change_element(&mut self, element: Value, sub: Option<&Attribute>) -> Result<Value, ScimError> {
        if self.attribute().kind != AttributeType::Complex {
            return self.change_simple_element(element);
        }
        let Some(sub) = sub else {
            if self.op == Op::Remove || (self.op == Op::Replace && is_unassigned(self.value)) {
                return Ok(Value::Null);
            }
            if is_unassigned(self.value) {
                return Ok(element);
            }
            let value = self.alone(self.value)?;
            let before = fields_of(Some(element));
            let after = self.merge(before.clone(), value, false);
            check_fixed(self.target, &before, &after)?;
            return Ok(Value::Object(after));
        };
        let mut fields = fields_of(Some(element));
        let before = fields.clone();
        if self.op == Op::Remove {
            fields.remove(&sub.name);
        } else {
            let value = self.coercion.value(sub, &self.path, self.value);
            fields = self.with_sub(fields, sub, value, false);
        }
        check_fixed(self.target, &before, &fields)?;
        Ok(Value::Object(fields))
    }

    fn change_simple_element(&mut self, element: Value) -> Result<Value, ScimError> {
        if self.op == Op::Remove {
            return Ok(Value::Null);
        }
        let value = self.alone(self.value)?;
        let next = self.coercion.element(self.attribute(), &self.path, value);
        Ok(match next {
            Some(next) => next,
            None if self.op == Op::Add => element,
            None => Value::Null,
        })
    }
}

fn fields_of(value: Option<Value>) -> Fields {
    match value {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Appends elements. One that says nothing new changes nothing; one that is marked as primary takes the mark from
/// the others (RFC 7644 §3.5.2.1).
fn append(current: Vec<Value>, given: Vec<Value>, work: &mut Work) -> Result<Vec<Value>, ScimError> {
    let mut entries = Entries::of(current);
    let mut by_value: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, old) in entries.list().iter().enumerate() {
        if let Some(key) = value_key(old) {
            by_value.entry(key).or_default().push(at);
        }
    }
    let mut marked = None;
    for element in given {
        let takes_mark = is_primary(&element);
        let list = entries.list();
        let says = |at: &usize| list.get(*at).is_some_and(|old| says_as_much(old, &element));
        let key = value_key(&element);
        let known = match &key {
            Some(key) => {
                let alike = by_value.get(key).map_or(&[][..], Vec::as_slice);
                work.pairs(alike.len())?;
                alike.iter().copied().find(says)
            }
            // Without a value it may be part of any element.
            None if element.is_object() => {
                work.pairs(list.len())?;
                (0..list.len()).find(says)
            }
            // Equal ones are found by `push`.
            None => None,
        };
        let at = known.unwrap_or_else(|| {
            let fresh = entries.list().len();
            let at = entries.push(element);
            if let (true, Some(key)) = (at == fresh, key) {
                by_value.entry(key).or_default().push(at);
            }
            at
        });
        if takes_mark {
            marked = Some(at);
        }
    }
    let mut list = entries.into_list();
    if marked.is_some() {
        clear_primaries(&mut list, marked);
    }
    Ok(list)
}

/// What elements of the same `value` have in common.
fn value_key(element: &Value) -> Option<String> {
    element.get("value").map(Value::to_string)
}

/// Whether the old element already holds everything that the new one says.
fn says_as_much(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            new.iter().all(|(name, value)| old.get(name) == Some(value))
        }
        (old, new) => old == new,
    }
}

/// An element for comparison: its texts folded where the attribute's `caseExact` says that case is nothing.
fn folded(attribute: &Attribute, element: &Value) -> Value {
    let text = |attribute: &Attribute, value: &Value| match value {
        Value::String(text) if !attribute.case_exact => fold(text).into(),
        value => value.clone(),
    };
    match element {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let value = attribute.sub(name).map_or_else(|| value.clone(), |sub| text(sub, value));
                (name.clone(), value)
            });
            Value::Object(fields.collect())
        }
        element => text(attribute, element),
    }
}

/// Sets `primary: true` to false everywhere but at one position.
fn clear_primaries(list: &mut [Value], except: Option<usize>) {
    for (at, element) in list.iter_mut().enumerate() {
        if Some(at) != except
            && is_primary(element)
            && let Value::Object(fields) = element
        {
            fields.insert("primary".into(), false.into());
        }
    }
}

/// 400 `mutability` when an immutable sub-attribute of an element would change.
fn check_fixed(target: &AttrRef, before: &Fields, after: &Fields) -> Result<(), ScimError> {
    let immutable = |sub: &&std::sync::Arc<Attribute>| sub.mutability == Mutability::Immutable;
    for sub in target.attribute.sub_attributes.iter().filter(immutable) {
        if before.get(&sub.name).is_some_and(|old| after.get(&sub.name) != Some(old)) {
            let whole = AttrRef { sub: None, ..target.clone() };
            return Err(ScimError::bad_request(
                ScimType::Mutability,
                format!(
                    "{}: cannot be changed in an element; replace the whole element.",
                    whole.with_sub(sub).path()
                ),
            ));
        }
    }
    Ok(())
}
