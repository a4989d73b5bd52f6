//! Keeps what a runtime offers as the directory of skills is, until one of the two is gone.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use impresario_engine::{Runtime, Shared};

use super::Skills;
use super::index::Index;

/// How often a followed directory is looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// What the runtime offers of a directory; nothing once that has ended. Shared with the thread that looks.
#[derive(Debug, Clone)]
pub(super) struct Following(Arc<Mutex<Option<Arc<Index>>>>);

impl Following {
    pub(super) fn new(offered: Arc<Index>) -> Self {
        Self(Arc::new(Mutex::new(Some(offered))))
    }

    /// What is offered right now.
    pub(super) fn offered(&self) -> Option<Arc<Index>> {
        self.state().clone()
    }

    /// Changes nothing from now on. A change that is being made is waited for.
    pub(super) fn end(&self) {
        self.state().take();
    }

    /// Starts the thread that looks.
    pub(super) fn begin(&self, skills: &Skills, runtime: &Runtime) -> std::io::Result<()> {
        let (following, skills, shared) = (self.clone(), skills.clone(), Arc::downgrade(runtime.shared()));
        std::thread::Builder::new().name("skills".into()).spawn(move || following.look(&skills, &shared))?;
        Ok(())
    }

    fn look(&self, skills: &Skills, shared: &Weak<Shared>) {
        loop {
            std::thread::sleep(INTERVAL);
            let Some(shared) = shared.upgrade().filter(|shared| !shared.closing.has_begun()) else { return };
            let mut state = self.state();
            let Some(offered) = &*state else { return };
            *state = Some(skills.bring_up_to_date(&shared, offered));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<Arc<Index>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
