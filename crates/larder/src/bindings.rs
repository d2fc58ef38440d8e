//! The bindings of a process, and the handles opened from them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use larder_core::telemetry::MetricsRecorder;
use larder_core::{Clock, Kv, Result, RetryPolicy, check_resource_id};

use crate::binding::Binding;
use crate::environment::Environment;
use crate::handles::Handles;
use crate::service::Service;
use crate::settings::Settings;
use crate::source::Source;

/// Where the stores of a service are, by resource id.
///
/// Bindings are read when they are loaded, each by itself: one that is malformed does not keep others from loading. Cheap
/// to clone; clones share the handles that were opened.
#[derive(Clone)]
pub struct Bindings {
    source: Source,
    environment: Environment,
    settings: Settings,
    handles: Arc<Handles>,
}

impl Bindings {
    /// The bindings that this process's environment describes.
    ///
    /// The binding of `session-cache` is, first come first served,
    ///
    /// 1. the variable `LARDER_SESSION_CACHE_BINDING`: the id in upper case, with `_` for `-`;
    /// 2. the variable `ALIEN_SESSION_CACHE_BINDING`, which another platform gives its services;
    /// 3. the entry `session-cache` of the file that the variable `LARDER_BINDINGS` names.
    ///
    /// Nothing is read before a binding is loaded. A binding that is there and malformed is an error, also when another
    /// place has the same id.
    pub fn from_env() -> Self {
        Self::new(Source::Environment)
    }

    /// The bindings in a file, a map from ids to bindings: objects, or URLs as strings. Its name ends in `.toml` or
    /// `.json`. It is read when a binding is loaded.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(path.into()))
    }

    /// These bindings, by id, each the text of a JSON object or a URL.
    ///
    /// ```
    /// use larder::Bindings;
    ///
    /// let bindings = Bindings::from_map([
    ///     ("cache", "local-kv:///var/lib/larder?keyPrefix=cache"),
    ///     ("sessions", r#"{"service":"dynamodb","tableName":"sessions","region":"eu-central-1"}"#),
    /// ]);
    /// # let _ = bindings;
    /// ```
    pub fn from_map<I: Into<String>, B: Into<String>>(bindings: impl IntoIterator<Item = (I, B)>) -> Self {
        let map = bindings.into_iter().map(|(id, binding)| (id.into(), binding.into())).collect();
        Self::new(Source::Map(map))
    }

    /// Every id is a namespace of its own in one embedded store in `dir`: for development and tests.
    pub fn local(dir: impl Into<PathBuf>) -> Self {
        Self::new(Source::Local(dir.into()))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            environment: Environment::process(),
            settings: Settings::default(),
            handles: Arc::default(),
        }
    }

    /// Looks variables up there: those that hold bindings, and those that `{"env":"VAR"}` names.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment, handles: Arc::default(), ..self }
    }

    /// Replaces the clock of the handles that are opened from here on (T4), but for those behind a gateway, whose own clock
    /// counts.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        Self { handles: Arc::default(), ..self }
    }

    /// Replaces the limits of attempts of the handles that are opened from here on (E4).
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        Self { handles: Arc::default(), ..self }
    }

    /// Has the handles that are opened from here on report metrics to this recorder, and not to the process's.
    #[must_use]
    pub fn with_recorder(mut self, recorder: MetricsRecorder) -> Self {
        self.settings.recorder = Some(recorder);
        Self { handles: Arc::default(), ..self }
    }

    /// Opens the store that a resource id is bound to.
    ///
    /// It is opened once, also when many ask for it at once, and all get handles on the same. An attempt that failed is
    /// made anew by the next call.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` when `id` is no resource id (`[A-Za-z0-9-_]{1,64}`).
    /// - `NotConfigured` when no binding is found, with every place that was looked at; when the binding is malformed, with
    ///   the place in it that is wrong; and when another id was loaded already that has the same variable, as `a-b` and
    ///   `a_b` have.
    /// - `Unsupported` when the binding's driver is not compiled in, with the feature that brings it.
    /// - Otherwise what keeps the store from opening.
    pub async fn load_kv(&self, id: &str) -> Result<Kv> {
        match self.handles.get(id) {
            Some(kv) => Ok(kv),
            // Boxed: most calls do without all that opening a store needs.
            None => Box::pin(self.open_kv(id)).await,
        }
    }

    async fn open_kv(&self, id: &str) -> Result<Kv> {
        check_resource_id(id)?;
        self.handles.check_alone(id)?;
        let binding = self.binding(id)?;
        let open = Service::opener(&binding).map_err(|error| error.with_binding(id))?;
        let opening = async {
            let handle = open(&binding, &self.settings).await.map_err(|error| error.with_binding(id))?;
            self.settings.finish(handle, id, binding.namespace())
        };
        self.handles.get_or_open(id, opening).await
    }

    /// Forgets the handle of an id, so that the next `load_kv` opens its store anew.
    ///
    /// A store is closed when the last of its handles is dropped. An embedded store that has stopped, because its disk was
    /// full or failed, works again once it was closed and opened: drop your handles, close the id, and load it.
    pub fn close(&self, id: &str) {
        self.handles.remove(id);
    }

    /// Finds and checks a binding without opening it.
    ///
    /// ```
    /// use larder::{Binding, Bindings};
    ///
    /// # fn main() -> larder::Result<()> {
    /// let bindings = Bindings::from_map([("cache", "dynamodb://cache?region=eu-central-1")]);
    /// let Binding::DynamoDb(table) = bindings.binding("cache")? else { panic!("another service") };
    /// assert_eq!(table.region, "eu-central-1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Bindings::load_kv`], as far as nothing needs to be opened.
    pub fn binding(&self, id: &str) -> Result<Binding> {
        check_resource_id(id)?;
        self.source.find(id, &self.environment).map_err(|fault| fault.into_error(id))
    }
}

impl fmt::Debug for Bindings {
    /// Without the texts of bindings, which may hold credentials (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Environment => "environment".to_owned(),
            Source::File(path) => format!("file {}", path.display()),
            Source::Map(map) => format!("map of {:?}", map.iter().map(|(id, _)| id).collect::<Vec<_>>()),
            Source::Local(dir) => format!("directory {}", dir.display()),
        };
        f.debug_struct("Bindings")
            .field("source", &format_args!("{source}"))
            .field("settings", &self.settings)
            .field("loaded", &self.handles.ids())
            .finish_non_exhaustive()
    }
}
