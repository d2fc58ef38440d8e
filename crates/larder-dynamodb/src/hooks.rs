//! Where the driver has its part in the SDK's requests.

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use crate::{answer, exchange, whole};

/// All that the driver does there. In one interceptor: the SDK copies the list of them for every request.
#[derive(Debug)]
pub(crate) struct Hooks;

// Otherwise the SDK calls every one of its many hooks. The attribute is the SDK's own and not documented: should it come
// to mean something else, the tests of bodies and of cut answers fail.
#[dyn_dispatch_hint]
impl Intercept for Hooks {
    fn name(&self) -> &'static str {
        "Larder"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        exchange::put_in(context.request_mut())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        answer::parse(context.response(), config);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        whole::check(context.response())
    }
}
