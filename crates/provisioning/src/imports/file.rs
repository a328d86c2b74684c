//! A kept file, read part by part: memory holds one part at a time.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use store::{ImportId, StoreError, TenantScope};
use tokio::io::{AsyncRead, ReadBuf};

type Fetched = Result<Option<Vec<u8>>, StoreError>;

/// The file of an import.
pub(super) struct Kept {
    scope: TenantScope,
    id: ImportId,
    number: i32,
    part: Vec<u8>,
    read: usize,
    next: Option<Pin<Box<dyn Future<Output = Fetched> + Send>>>,
    ended: bool,
}

impl Kept {
    pub(super) fn new(scope: TenantScope, id: ImportId) -> Self {
        Self { scope, id, number: 0, part: Vec::new(), read: 0, next: None, ended: false }
    }
}

impl AsyncRead for Kept {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.read >= this.part.len() && !this.ended {
            let (scope, id, number) = (&this.scope, this.id, this.number);
            let next = this.next.get_or_insert_with(|| {
                let scope = scope.clone();
                Box::pin(async move { scope.import_part(id, number).await })
            });
            let fetched = ready!(next.as_mut().poll(context));
            this.next = None;
            match fetched {
                Ok(Some(part)) => (this.part, this.read, this.number) = (part, 0, number + 1),
                // A file without any part was removed.
                Ok(None) if number == 0 => {
                    return Poll::Ready(Err(io::Error::other("it is no longer kept; send it again")));
                }
                Ok(None) => this.ended = true,
                Err(error) => return Poll::Ready(Err(io::Error::other(error.to_string()))),
            }
        }
        let rest = this.part.get(this.read..).unwrap_or_default();
        let taken = rest.len().min(out.remaining());
        out.put_slice(&rest[..taken]);
        this.read += taken;
        Poll::Ready(Ok(()))
    }
}
