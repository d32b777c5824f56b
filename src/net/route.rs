//! Which request goes where: JSON-RPC (HTTP POST or WebSocket) at `/`, contents at `/content/…`, several small ones
//! at `/contents`.
//!
//! Requests with an `Origin` come from a page in a browser and are refused (403): no page may use a
//! person's certificate. The `Host` means nothing: who is asked and who asks follow from the certificates.

use super::content::{self, ContentService};
use super::many;
use super::server::ServerLimits;
use crate::wire::Caller;
use crate::wire::codes::Code;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, header};
use jsonrpsee::MethodResponse;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::{HttpBody, TowerService, http, ws};
use jsonrpsee::types::{ErrorCode, ErrorObject, Id, Request as RpcRequest};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::layer::util::{Identity, Stack};
use tower::{Layer, Service};

/// jsonrpsee's service for one connection.
pub(super) type RpcService = TowerService<Stack<InFlightLayer, Identity>, Identity>;

/// What every request of one connection shares.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) caller: Caller,
    pub(super) rpc: RpcService,
    pub(super) contents: Option<ContentService>,
    pub(super) limits: ServerLimits,
}

/// Answers a request. Every failure is an answer.
pub(super) async fn route(
    connection: Connection,
    mut request: Request<Incoming>,
) -> Result<Response<HttpBody>, Infallible> {
    if request.headers().contains_key(header::ORIGIN) {
        return Ok(text(StatusCode::FORBIDDEN, "requests of web pages (with `Origin`) are not served\n"));
    }
    let path = request.uri().path();
    if path.starts_with(content::PATH) {
        let Some(contents) = &connection.contents else {
            return Ok(text(StatusCode::NOT_FOUND, "contents are not served on this port\n"));
        };
        return Ok(content::serve(contents, connection.caller.peer, &request).await);
    }
    if path == many::PATH {
        let Some(contents) = connection.contents else {
            return Ok(text(StatusCode::NOT_FOUND, "contents are not served on this port\n"));
        };
        return Ok(many::serve(&contents, connection.caller.peer, request, &connection.limits).await);
    }
    if path != "/" {
        return Ok(text(StatusCode::NOT_FOUND, "JSON-RPC is served at `/`, contents at `/content/<hash>`\n"));
    }
    request.extensions_mut().insert(connection.caller);
    Ok(rpc(connection, request).await)
}

async fn rpc(mut connection: Connection, request: Request<Incoming>) -> Response<HttpBody> {
    if ws::is_upgrade_request(&request) {
        let answer = connection.rpc.call(request).await;
        return match answer {
            // The library answers a broken upgrade with 200.
            Ok(answer) if answer.status() == StatusCode::OK => {
                text(StatusCode::BAD_REQUEST, "the WebSocket upgrade is not complete (RFC 6455, section 4)\n")
            }
            Ok(answer) => answer,
            Err(error) => failed(&*error),
        };
    }
    let (parts, body) = request.into_parts();
    let limits = connection.limits;
    let body = match collected(body, limits.request_bytes, &limits).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let request = Request::from_parts(parts, Full::<Bytes>::from(body.clone()));
    match connection.rpc.call(request).await {
        Ok(answer) if answer.extensions().get::<NotACall>().is_some() && has_id(&body) => bad_id(),
        Ok(answer) => answer,
        Err(error) => failed(&*error),
    }
}

/// A request's whole body, at most so many bytes; or the answer that refuses it.
pub(super) async fn collected(
    body: Incoming,
    most: u32,
    limits: &ServerLimits,
) -> Result<Bytes, Response<HttpBody>> {
    if hyper::body::Body::size_hint(&body).lower() > u64::from(most) {
        return Err(http::response::too_large(most));
    }
    let collecting = Limited::new(body, most as usize).collect();
    match tokio::time::timeout(limits.body_timeout, collecting).await {
        Err(_) => Err(text(StatusCode::REQUEST_TIMEOUT, "the request's body did not arrive in time\n")),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(http::response::too_large(most)),
        Ok(Err(_)) => Err(http::response::malformed()),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

/// Marks the answer to what the library took for a notification.
#[derive(Clone, Copy, Debug)]
struct NotACall;

/// The library takes a call whose id is malformed for a notification, which is never answered. Whoever sent
/// one shall hear about it.
fn has_id(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Id {
        id: Option<serde::de::IgnoredAny>,
    }
    // An error is an id given twice: everything else was read before.
    serde_json::from_slice::<Id>(body).map_or(true, |found| found.id.is_some())
}

fn bad_id() -> Response<HttpBody> {
    let message = "the id of a call is one whole number, text or null";
    let error = ErrorObject::owned(ErrorCode::InvalidRequest.code(), message, None::<()>);
    let answer = MethodResponse::error(Id::Null, error);
    http::response::from_method_response(answer)
}

fn failed(error: &(dyn std::error::Error + Send + Sync)) -> Response<HttpBody> {
    tracing::warn!(%error, "a request failed inside of the server");
    http::response::internal_error()
}

/// A short plain-text answer.
pub(super) fn text(status: StatusCode, message: &'static str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(message));
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// Refuses calls when too many of one connection are under way: the library starts a task for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlightLayer {
    pub(super) calls: usize,
}

impl<S> Layer<S> for InFlightLayer {
    type Service = InFlight<S>;

    fn layer(&self, inner: S) -> InFlight<S> {
        InFlight { inner: Arc::new(inner), free: Arc::new(Semaphore::new(self.calls)) }
    }
}

/// See [`InFlightLayer`].
#[derive(Clone, Debug)]
pub(super) struct InFlight<S> {
    inner: Arc<S>,
    free: Arc<Semaphore>,
}

impl<S> RpcServiceT for InFlight<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: RpcRequest<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let permit = self.free.clone().try_acquire_owned();
        let inner = self.inner.clone();
        async move {
            match permit {
                Err(_) => MethodResponse::error(
                    request.id(),
                    Code::Busy.error("too many calls of this connection are under way; send fewer at once"),
                ),
                Ok(_permit) => inner.call(request).await,
            }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.batch(batch)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move {
            let mut answer = inner.notification(notification).await;
            answer.extensions_mut().insert(NotACall);
            answer
        }
    }
}
