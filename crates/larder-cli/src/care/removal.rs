//! Who removes what has expired (T3).

use larder::{Binding, ErrorKind, Result, RetryPolicy};
use larder_provision::Reaper;

use super::finding::Finding;

const CHECK: &str = "removal";

/// A platform that removes what has expired by itself, once it was told to.
struct Setting {
    what: &'static str,
    switch_on: String,
    grant: &'static str,
}

/// Asks who removes what has expired: the platform's control plane, where it is the platform.
pub(crate) async fn look(binding: &Binding, patience: &RetryPolicy) -> Finding {
    match setting(binding) {
        Some(setting) => judged(&setting, larder_provision::reaper(binding, patience).await),
        None => by_larder(binding),
    }
}

/// What there is to say of it without a look at the platform.
pub(crate) fn unseen(binding: &Binding) -> Finding {
    match setting(binding) {
        Some(_) => Finding::unknown(CHECK, "not looked at"),
        None => by_larder(binding),
    }
}

fn by_larder(binding: &Binding) -> Finding {
    match binding {
        Binding::LocalKv(_) => Finding::good(CHECK, "the driver removes what has expired while it is open"),
        Binding::TableStorage(_) => Finding::good(CHECK, "by `larder sweep`")
            .with_advice("run `larder sweep` on a schedule, as once an hour"),
        Binding::Gateway(_) => Finding::unknown(CHECK, "by whoever runs the gateway"),
        _ => Finding::unknown(CHECK, "by the server"),
    }
}

fn setting(binding: &Binding) -> Option<Setting> {
    match binding {
        Binding::DynamoDb(table) => Some(Setting {
            what: "the table's time to live on the attribute ttl",
            switch_on: format!(
                "switch it on: aws dynamodb update-time-to-live --table-name {} --time-to-live-specification \
                 Enabled=true,AttributeName=ttl",
                table.table_name
            ),
            grant: "grant dynamodb:DescribeTimeToLive",
        }),
        Binding::Firestore(at) => Some(Setting {
            what: "the TTL policy on the field exp",
            switch_on: format!(
                "switch it on: gcloud firestore fields ttls update exp --collection-group={} --database={} --enable-ttl",
                at.collection_name, at.database_id
            ),
            grant: "grant a role that sees the settings of fields, as roles/datastore.indexAdmin does",
        }),
        _ => None,
    }
}

fn judged(setting: &Setting, answer: Result<Option<Reaper>>) -> Finding {
    let what = setting.what;
    match answer {
        Ok(Some(Reaper::On)) => Finding::good(CHECK, format!("by {what}")),
        Ok(Some(Reaper::Starting)) => Finding::good(CHECK, format!("by {what}, which is being switched on"))
            .with_advice("nothing: what expires is absent all the same"),
        Ok(Some(Reaper::Off(why))) => {
            Finding::bad(CHECK, format!("nobody removes what has expired: {why}"), setting.switch_on.clone())
        }
        Ok(Some(Reaper::Unseen(why))) => Finding::unknown(CHECK, format!("cannot be seen here: {why}")),
        // The store can be used without it.
        Err(error) if error.kind() == ErrorKind::Unauthorized => {
            Finding::unknown(CHECK, format!("{what} cannot be seen: {}", error.message()))
                .with_advice(setting.grant)
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            Finding::bad(CHECK, error.message(), "name the platform's own server in the binding")
        }
        Err(error) => Finding::failed(CHECK, &error),
        Ok(_) => Finding::unknown(CHECK, "by the server"),
    }
}

#[cfg(test)]
mod tests {
    use larder::{Bindings, Error};

    use super::super::finding::Status;
    use super::*;

    fn setting_of(url: &str) -> Setting {
        let binding = Bindings::from_map([("x", url)]).binding("x").expect("a binding");
        setting(&binding).expect("it has one")
    }

    #[test]
    fn every_answer_has_its_mark_and_says_what_to_do() {
        let aws = setting_of("dynamodb://cache-1?region=eu-central-1");
        let gcp = setting_of("firestore://project/(default)/cache-1");
        let off = || Ok(Some(Reaper::Off("time to live is on the attribute expires".into())));
        let failed = |kind| Err(Error::new(kind, "no"));
        for (setting, answer, status, detail, advice) in [
            (&aws, Ok(Some(Reaper::On)), Status::Good, "on the attribute ttl", ""),
            (&gcp, Ok(Some(Reaper::On)), Status::Good, "on the field exp", ""),
            (&aws, Ok(Some(Reaper::Starting)), Status::Good, "being switched on", "nothing"),
            (&aws, off(), Status::Bad, "attribute expires", "--table-name cache-1 "),
            (&gcp, off(), Status::Bad, "nobody removes", "--collection-group=cache-1 "),
            (&gcp, Ok(Some(Reaper::Unseen("none".into()))), Status::Unknown, "cannot be seen here", ""),
            (&aws, failed(ErrorKind::Unauthorized), Status::Unknown, "cannot be seen", "DescribeTimeToLive"),
            (&gcp, failed(ErrorKind::Unauthorized), Status::Unknown, "cannot be seen", "indexAdmin"),
            (&gcp, failed(ErrorKind::Unsupported), Status::Bad, "no", "the platform's own server"),
            (&gcp, failed(ErrorKind::NotProvisioned), Status::Bad, "not provisioned", "make the store"),
        ] {
            let finding = judged(setting, answer);
            assert_eq!(finding.status, status, "{finding:?}");
            assert!(finding.detail.contains(detail), "{finding:?}");
            assert_eq!(finding.advice.is_none(), advice.is_empty(), "{finding:?}");
            assert!(finding.advice.as_deref().unwrap_or_default().contains(advice), "{finding:?}");
        }
    }
}
