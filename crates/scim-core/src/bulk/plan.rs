//! In what order the operations of a request are carried out.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use super::{Action, Operation, ResourceId, find};

/// One step. Numbers are positions in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Carry it out; all that it refers to is there.
    Run(usize),
    /// A POST in a circle: create it without the references to these bulkIds. A [`Step::Complete`] follows.
    RunWithout(usize, Vec<String>),
    /// Give the resource that [`Step::RunWithout`] made the references it lacks; all of them are there now.
    Complete(usize),
}

/// Orders operations. Each one has exactly one [`Step::Run`] or [`Step::RunWithout`], and the latter exactly one
/// [`Step::Complete`]. The order of the request is kept, except that an operation waits
/// - for each POST that its data refers to (until it is created),
/// - for the POST that its path names (until it is complete),
/// - for the operation before it on the same resource.
///
/// A reference that no POST answers to is not waited for. POSTs that wait for each other in a circle are created
/// one by one without what is not there yet.
#[must_use]
pub fn plan(operations: &[Operation]) -> Vec<Step> {
    Planner::new(operations).run()
}

struct Planner<'o> {
    operations: &'o [Operation],
    nodes: Vec<Node>,
    /// Operations that wait for nothing more, first one first.
    ready: BinaryHeap<Reverse<usize>>,
    /// POSTs that wait for members of their own circle alone.
    circular: BinaryHeap<Reverse<usize>>,
    /// Created without some references, which are there now.
    completable: BinaryHeap<Reverse<usize>>,
}

#[derive(Default)]
struct Node {
    /// POSTs that the data refers to.
    refers: Vec<usize>,
    /// Who refers to this POST.
    referrers: Vec<usize>,
    /// Who runs after this is finished.
    followers: Vec<usize>,
    /// References not created and predecessors not finished.
    waits: usize,
    /// Those of them that are not in the same circle.
    outside: usize,
    /// Circle, by number; one that refers to nothing in return is alone in its own.
    circle: usize,
    /// Has a `Run` or `RunWithout`.
    created: bool,
}

impl<'o> Planner<'o> {
    fn new(operations: &'o [Operation]) -> Self {
        let mut nodes: Vec<_> = operations.iter().map(|_| Node::default()).collect();
        let posts = posts(operations);
        let mut last_on: HashMap<_, usize> = HashMap::new();
        for (index, operation) in operations.iter().enumerate() {
            let Ok(Action { kind, id, data, .. }) = &operation.action else { continue };
            let named = data.iter().flat_map(find);
            nodes[index].refers = named.filter_map(|bulk_id| posts.get(bulk_id).copied()).collect();
            for post in nodes[index].refers.clone() {
                nodes[post].referrers.push(index);
            }
            let Some(id) = id else { continue };
            let maker = match id {
                ResourceId::BulkId(bulk_id) => posts.get(bulk_id.as_str()).copied(),
                ResourceId::Known(_) => None,
            };
            // the operation before it waits for the maker too
            if let Some(before) = last_on.insert((kind, id), index).or(maker) {
                nodes[before].followers.push(index);
                nodes[index].waits += 1;
                nodes[index].outside += 1;
            }
        }
        find_circles(&mut nodes);
        for index in 0..nodes.len() {
            let circle = nodes[index].circle;
            let outside = nodes[index].refers.iter().filter(|post| nodes[**post].circle != circle).count();
            nodes[index].outside += outside;
            nodes[index].waits += nodes[index].refers.len();
        }
        let mut planner = Self {
            operations,
            nodes,
            ready: BinaryHeap::new(),
            circular: BinaryHeap::new(),
            completable: BinaryHeap::new(),
        };
        for index in 0..operations.len() {
            planner.look_at(index);
        }
        planner
    }

    fn run(mut self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.nodes.len());
        loop {
            if let Some(Reverse(index)) = self.completable.pop() {
                steps.push(Step::Complete(index));
                self.finished(index);
            } else if let Some(Reverse(index)) = self.ready.pop() {
                steps.push(Step::Run(index));
                self.created(index);
                self.finished(index);
            } else if let Some(Reverse(index)) = self.circular.pop() {
                // it may have become ready in the meantime
                if !self.nodes[index].created {
                    steps.push(Step::RunWithout(index, self.missing(index)));
                    self.created(index);
                }
            } else {
                return steps;
            }
        }
    }

    /// BulkIds of the references that are not there.
    fn missing(&self, index: usize) -> Vec<String> {
        let posts = self.nodes[index].refers.iter().filter(|post| !self.nodes[**post].created);
        posts.filter_map(|post| self.operations[*post].bulk_id.clone()).collect()
    }

    /// Puts an operation where it belongs after its counts have changed.
    fn look_at(&mut self, index: usize) {
        let node = &self.nodes[index];
        match (node.created, node.waits, node.outside) {
            (false, 0, _) => self.ready.push(Reverse(index)),
            (false, _, 0) => self.circular.push(Reverse(index)),
            (true, 0, _) => self.completable.push(Reverse(index)),
            _ => {}
        }
    }

    fn created(&mut self, index: usize) {
        self.nodes[index].created = true;
        for referrer in std::mem::take(&mut self.nodes[index].referrers) {
            let outside = usize::from(self.nodes[referrer].circle != self.nodes[index].circle);
            self.nodes[referrer].waits -= 1;
            self.nodes[referrer].outside -= outside;
            // within a circle it is listed already, until it waits for nothing more
            if outside == 1 || self.nodes[referrer].waits == 0 {
                self.look_at(referrer);
            }
        }
    }

    fn finished(&mut self, index: usize) {
        for follower in std::mem::take(&mut self.nodes[index].followers) {
            self.nodes[follower].waits -= 1;
            self.nodes[follower].outside -= 1;
            self.look_at(follower);
        }
    }
}

/// POSTs by bulkId; of several with one bulkId the first.
fn posts(operations: &[Operation]) -> HashMap<&str, usize> {
    let mut posts = HashMap::new();
    for (index, operation) in operations.iter().enumerate() {
        if let (true, Some(bulk_id)) = (operation.is_post(), &operation.bulk_id) {
            posts.entry(bulk_id.as_str()).or_insert(index);
        }
    }
    posts
}

/// Numbers the strongly connected components of the references (Tarjan's algorithm, with a stack of its own, so
/// that a long chain of references needs no deep recursion).
fn find_circles(nodes: &mut [Node]) {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; nodes.len()];
    let mut lowest = vec![NEW; nodes.len()];
    let mut open = vec![false; nodes.len()];
    let mut members = Vec::new();
    let (mut visited, mut circles) = (0, 0);
    for root in 0..nodes.len() {
        if order[root] != NEW {
            continue;
        }
        // a node, and how many of its references have been followed
        let mut path = vec![(root, 0)];
        while let Some((index, followed)) = path.last_mut() {
            let index = *index;
            if *followed == 0 && order[index] == NEW {
                (order[index], lowest[index]) = (visited, visited);
                visited += 1;
                open[index] = true;
                members.push(index);
            }
            if let Some(next) = nodes[index].refers.get(*followed).copied() {
                *followed += 1;
                if order[next] == NEW {
                    path.push((next, 0));
                } else if open[next] {
                    lowest[index] = lowest[index].min(order[next]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                lowest[*parent] = lowest[*parent].min(lowest[index]);
            }
            if lowest[index] == order[index] {
                while let Some(member) = members.pop() {
                    open[member] = false;
                    nodes[member].circle = circles;
                    if member == index {
                        break;
                    }
                }
                circles += 1;
            }
        }
    }
}
