//! Who removes what has expired (T3).

use larder::Binding;

use super::finding::Finding;

const CHECK: &str = "removal";

/// What is known of it from the binding alone. Whether a cloud's own removal is turned on, only its control plane knows.
pub(crate) fn look(binding: &Binding) -> Finding {
    match binding {
        Binding::LocalKv(_) => Finding::good(CHECK, "the driver removes what has expired while it is open"),
        Binding::TableStorage(_) => Finding::good(CHECK, "by `larder sweep`")
            .with_advice("run `larder sweep` on a schedule, as once an hour"),
        Binding::DynamoDb(_) => Finding::unknown(CHECK, "by the table's TTL, which this does not see")
            .with_advice("see that TTL is enabled on the attribute ttl: aws dynamodb describe-time-to-live"),
        Binding::Firestore(_) => Finding::unknown(CHECK, "by a TTL policy, which this does not see")
            .with_advice(
                "see that there is a TTL policy on the field exp: gcloud firestore fields ttls list",
            ),
        Binding::Gateway(_) => Finding::unknown(CHECK, "by whoever runs the gateway"),
        _ => Finding::unknown(CHECK, "by the server"),
    }
}
