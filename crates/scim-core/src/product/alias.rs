//! Other names of attributes in bodies and in PATCH.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::Alias;
use crate::{
    Document,
    intake::{Coercion, is_primary, is_silently_dropped, is_unassigned, put},
    patch::{Op, Operation, PatchRequest},
    resource::{AttrRef, ResourceType},
};

/// A value that a body gives under another name.
pub(crate) struct Aliased<'a> {
    /// The name.
    pub(crate) alias: &'a Alias,
    /// The value as it came.
    pub(crate) value: &'a Value,
}

/// Lays values that came under other names over a document. They come last: an identity provider that writes back what
/// it has read sends the old value under the attribute's own name and the new one under the name it knows.
pub(crate) fn apply_aliases(document: &mut Document, aliased: &[Aliased<'_>], coercion: &mut Coercion) {
    for Aliased { alias, value } in aliased {
        let target = &alias.target;
        if is_silently_dropped(target) {
            continue;
        }
        let Some(value) = coercion.value(target.leaf(), &alias.name, plain(alias, value)) else { continue };
        match &target.sub {
            None => put(document, target, value),
            Some(sub) if alias.is_of_list() => {
                let mut list = match current(document, target) {
                    Some(Value::Array(list)) => list.clone(),
                    _ => Vec::new(),
                };
                let at = list.iter().position(is_primary).unwrap_or(0);
                match list.get_mut(at) {
                    Some(Value::Object(fields)) => {
                        fields.insert(sub.name.clone(), value);
                    }
                    _ => {
                        list.push(primary_element(target, [(sub.name.clone(), value)].into_iter().collect()))
                    }
                }
                put(document, target, Value::Array(list));
            }
            Some(sub) => {
                let mut fields = match current(document, target) {
                    Some(Value::Object(fields)) => fields.clone(),
                    _ => Map::new(),
                };
                fields.insert(sub.name.clone(), value);
                put(document, target, Value::Object(fields));
            }
        }
    }
}

fn current<'d>(document: &'d Document, target: &AttrRef) -> Option<&'d Value> {
    match &target.extension {
        None => document.get(&target.attribute.name),
        Some(urn) => document.get(urn.as_ref())?.get(&target.attribute.name),
    }
}

/// One value where the alias takes one: of a list its primary or first element, of an object its `value`.
fn plain<'v>(alias: &Alias, value: &'v Value) -> &'v Value {
    if alias.target.leaf().multi_valued {
        return value;
    }
    let one = match value {
        Value::Array(list) => list.iter().find(|element| is_primary(element)).or_else(|| list.first()),
        value => Some(value),
    };
    let one = one.unwrap_or(&Value::Null);
    one.as_object().and_then(|fields| fields.get("value")).unwrap_or(one)
}

fn primary_element(target: &AttrRef, mut fields: Map<String, Value>) -> Value {
    if target.attribute.sub("primary").is_some() {
        fields.insert("primary".into(), true.into());
    }
    Value::Object(fields)
}

/// A PATCH in which other names are replaced by the attributes that they mean in this document. Of a list it is the
/// primary element that changes, or the only one; where there is none, the values of one operation make one.
#[must_use]
pub fn rewrite_patch<'p>(
    resource_type: &ResourceType,
    patch: &'p PatchRequest,
    document: &Document,
) -> Cow<'p, PatchRequest> {
    if resource_type.product.aliases.is_empty() {
        return Cow::Borrowed(patch);
    }
    let mut rewriter = Rewriter { resource_type, document, made: Vec::new(), operations: Vec::new() };
    for operation in &patch.operations {
        rewriter.operation(operation);
    }
    Cow::Owned(PatchRequest { operations: rewriter.operations })
}

struct Rewriter<'a> {
    resource_type: &'a ResourceType,
    document: &'a Document,
    /// Paths of lists that an earlier operation has made.
    made: Vec<String>,
    operations: Vec<Operation>,
}

impl<'a> Rewriter<'a> {
    fn operation(&mut self, operation: &Operation) {
        let path = operation.path.as_deref().map(str::trim);
        if let Some(alias) = path.and_then(|path| self.resource_type.alias_of_path(path)) {
            self.aliased(operation.op, vec![(alias, operation.value.clone())]);
            return;
        }
        let place = match path {
            None => Some(None),
            Some(path) => self.place(path),
        };
        let (Some(extension), Some(Value::Object(fields))) = (place, &operation.value) else {
            self.operations.push(operation.clone());
            return;
        };
        let mut found = Vec::new();
        let kept = self.without_aliases(extension, fields, &mut found);
        if !kept.is_empty() || found.is_empty() {
            self.operations.push(Operation { value: Some(Value::Object(kept)), ..operation.clone() });
        }
        self.aliased(operation.op, found.into_iter().map(|(alias, value)| (alias, Some(value))).collect());
    }

    /// The object that a URN names: the core attributes, or those of an extension.
    fn place(&self, urn: &str) -> Option<Option<usize>> {
        if urn.eq_ignore_ascii_case(&self.resource_type.known.id) {
            return Some(None);
        }
        let names = |known: &String| known.eq_ignore_ascii_case(urn);
        let mut extensions = self.resource_type.extensions.iter();
        extensions
            .position(|extension| names(&extension.schema.id) || extension.aliases.iter().any(names))
            .map(Some)
    }

    /// The fields that are no other names, those of extensions included.
    fn without_aliases(
        &self,
        extension: Option<usize>,
        fields: &Map<String, Value>,
        found: &mut Vec<(&'a Alias, Value)>,
    ) -> Map<String, Value> {
        let mut kept = Map::new();
        for (key, value) in fields {
            if let Some(alias) = self.resource_type.alias_at(extension, key) {
                found.push((alias, value.clone()));
            } else if let (Some(inner), Value::Object(inner_fields), None) =
                (self.place(key), value, extension)
            {
                let left = self.without_aliases(inner, inner_fields, found);
                if !left.is_empty() || inner_fields.is_empty() {
                    kept.insert(key.clone(), Value::Object(left));
                }
            } else if let Some(alias) = self.resource_type.alias_of_path(key).filter(|_| key.contains(':')) {
                found.push((alias, value.clone()));
            } else {
                kept.insert(key.clone(), value.clone());
            }
        }
        kept
    }

    fn aliased(&mut self, op: Op, found: Vec<(&Alias, Option<Value>)>) {
        let mut fresh: Vec<(AttrRef, Map<String, Value>)> = Vec::new();
        for (alias, value) in found {
            let value = value.map(|value| plain(alias, &value).clone());
            let whole = AttrRef { sub: None, ..alias.target.clone() };
            let (list, Some(sub)) = (whole.path(), alias.target.sub.as_ref().filter(|_| alias.is_of_list()))
            else {
                self.operations.push(Operation { op, path: Some(alias.target.path()), value });
                continue;
            };
            if let Some(element) = self.element(&list, &whole) {
                let path = match (op, sub.name.as_str()) {
                    // An address without its value is none.
                    (Op::Remove, "value") => element,
                    (_, name) => format!("{element}.{name}"),
                };
                self.operations.push(Operation { op, path: Some(path), value });
            } else if let (Some(value), true) = (value, op != Op::Remove)
                && !is_unassigned(&value)
            {
                let fields = match fresh.iter_mut().find(|(target, _)| target.path() == list) {
                    Some((_, fields)) => fields,
                    None => {
                        fresh.push((whole, Map::new()));
                        let Some((_, fields)) = fresh.last_mut() else { continue };
                        fields
                    }
                };
                fields.insert(sub.name.clone(), value);
            }
        }
        for (target, fields) in fresh {
            let path = target.path();
            let value = json!([primary_element(&target, fields)]);
            self.operations.push(Operation { op: Op::Add, path: Some(path.clone()), value: Some(value) });
            self.made.push(path);
        }
    }

    /// The path of the element that an alias means; `None` where the list has none.
    fn element(&self, list: &str, target: &AttrRef) -> Option<String> {
        let elements = current(self.document, target).and_then(Value::as_array);
        let elements = elements.map_or(&[][..], Vec::as_slice);
        if elements.iter().any(is_primary) || self.made.iter().any(|made| made == list) {
            return Some(format!("{list}[primary eq true]"));
        }
        (elements.len() == 1).then(|| list.to_owned())
    }
}
