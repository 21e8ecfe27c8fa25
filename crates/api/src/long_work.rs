//! Work that a request may ask for and that takes long: matching thousands of lines, a review, a replay, a rehearsal.
//!
//! It runs away from the threads that answer others, little of it at once, in turns between people, and it ends: when it took
//! too long, and when nobody waits for it any more. Whatever it is, healing needs a processor and a connection more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::{ApiError, App, Principal, Role};

/// How much of it runs at once, whoever asks.
const AT_ONCE: usize = 2;
/// How many such requests one person may have, the one that runs among them: the others wait.
const EACH: usize = 4;
/// How long one piece may run. An admin knows what it costs, and may have to look far back.
const LIMIT: Duration = Duration::from_secs(120);
const LIMIT_OF_AN_ADMIN: Duration = Duration::from_secs(1_800);

#[derive(Debug)]
pub(crate) struct LongWork {
    at_once: Arc<Semaphore>,
    people: Arc<Mutex<HashMap<String, Person>>>,
}

#[derive(Debug)]
struct Person {
    asked: usize,
    /// One at a time: whoever asks for much waits for it alone.
    turn: Arc<Semaphore>,
}

impl Default for LongWork {
    fn default() -> Self {
        Self { at_once: Arc::new(Semaphore::new(AT_ONCE)), people: Arc::default() }
    }
}

/// One person's request, counted for as long as this lives.
struct Asked {
    name: String,
    turn: Arc<Semaphore>,
    people: Arc<Mutex<HashMap<String, Person>>>,
}

impl Asked {
    fn of(work: &LongWork, name: &str) -> Result<Self, ApiError> {
        let mut people = work.people.lock().unwrap_or_else(PoisonError::into_inner);
        let person =
            people.entry(name.to_owned()).or_insert_with(|| Person { asked: 0, turn: Arc::new(Semaphore::new(1)) });
        if person.asked >= EACH {
            return Err(ApiError::Busy);
        }
        person.asked += 1;
        Ok(Self { name: name.to_owned(), turn: Arc::clone(&person.turn), people: Arc::clone(&work.people) })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(person) = people.get_mut(&self.name) {
            person.asked -= 1;
            if person.asked == 0 {
                people.remove(&self.name);
            }
        }
    }
}

/// What long work asks between two of its steps: whether it may go on.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    gone: Arc<AtomicBool>,
    until: Instant,
    limit: Duration,
}

impl Stop {
    pub fn is_due(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.until
    }

    pub fn go_on(&self) -> Result<(), ApiError> {
        if self.is_due() { Err(ApiError::TooMuchWork(self.limit)) } else { Ok(()) }
    }
}

/// Says that nobody waits any more.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs long work for somebody when its turn comes. The work is made and polled on a thread for blocking work, and dropped there
/// when it must end: at its next step that waits for something, or where it asks [`Stop`].
pub(crate) async fn long<T, F>(
    app: &App,
    who: &Principal,
    work: impl FnOnce(Stop) -> F + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ApiError>>,
{
    app.long_work.run(who, work).await
}

impl LongWork {
    async fn run<T, F>(&self, who: &Principal, work: impl FnOnce(Stop) -> F + Send + 'static) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>>,
    {
        let broken = |error: &dyn std::fmt::Display| ApiError::Internal(error.to_string());
        let asked = Asked::of(self, &who.name)?;
        let own = Arc::clone(&asked.turn).acquire_owned().await.map_err(|error| broken(&error))?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|error| broken(&error))?;
        let limit = if who.role == Role::Admin { LIMIT_OF_AN_ADMIN } else { LIMIT };
        let gone = Arc::new(AtomicBool::new(false));
        let stop = Stop { gone: Arc::clone(&gone), until: Instant::now() + limit, limit };
        // Dropped with the request, and with them the work.
        let (_waits, left) = oneshot::channel::<()>();
        let _gone = Gone(gone);
        let runtime = Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: what was given up is still running until it notices.
            let _turns = (turn, own, asked);
            runtime.block_on(async move {
                tokio::select! {
                    done = work(stop) => done,
                    _ = left => Err(ApiError::Internal("nobody waits for it any more".into())),
                    () = tokio::time::sleep(limit) => Err(ApiError::TooMuchWork(limit)),
                }
            })
        });
        done.await.map_err(|error| broken(&error))?
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{BoxFuture, FutureExt};
    use tokio::sync::Notify;

    use super::*;

    fn person(name: &str) -> Principal {
        Principal { name: name.into(), person: name.into(), role: Role::Viewer, token: None }
    }

    /// Asks for work that goes on until it is let go.
    fn ask<'a>(work: &'a LongWork, who: &'a Principal, let_go: &Arc<Semaphore>) -> BoxFuture<'a, Result<(), ApiError>> {
        let let_go = Arc::clone(let_go);
        work.run(who, move |_| async move {
            let_go.acquire().await.map_err(|error| ApiError::Internal(error.to_string()))?.forget();
            Ok(())
        })
        .boxed()
    }

    #[tokio::test]
    async fn nobody_has_more_than_their_share() {
        let (work, let_go) = (LongWork::default(), Arc::new(Semaphore::new(0)));
        let (ada, bob) = (person("ada"), person("bob"));
        let mut asked: Vec<_> = (0..EACH).map(|_| ask(&work, &ada, &let_go)).collect();
        // The first begins, the others wait for it.
        for one in &mut asked {
            assert!(one.now_or_never().is_none());
        }
        let refused = ask(&work, &ada, &let_go).await.expect_err("too much");
        assert!(matches!(refused, ApiError::Busy), "{refused}");
        // Somebody else's begins all the same.
        let_go.add_permits(2);
        let first = asked.remove(0);
        let (first, other) = tokio::join!(first, ask(&work, &bob, &let_go));
        first.and(other).expect("done");
        drop(asked);
        assert!(work.people.lock().expect("no panic").is_empty(), "what was given up counts no more");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends() {
        let work = LongWork::default();
        let (began, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        struct Ends(Arc<Notify>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let ada = person("ada");
        let (begins, ends) = (Arc::clone(&began), Ends(Arc::clone(&ended)));
        let asked = work.run(&ada, move |_| async move {
            let _ends = ends;
            begins.notify_one();
            std::future::pending::<Result<(), ApiError>>().await
        });
        tokio::select! {
            _ = asked => unreachable!("it never ends by itself"),
            () = began.notified() => {}
        }
        ended.notified().await;
    }
}
