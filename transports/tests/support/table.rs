//! Rows, and how they are held against a house: every input of a row, over each carrier and era that the row
//! names, and after each a healthy request on the same connection and on another one.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::timeout;

use super::answer::Answer;
use super::ask::{Ask, Seat, call, post, request};
use super::era::{self, Era, INITIALIZED};
use super::expect::{Expect, accepted, result};
use super::house::House;
use super::http_sse::HttpSse;
use super::http1::Http1;
use super::http2::{Http2, exchange_mounted};
use super::lines::Lines;

/// An input that is not answered within this has no answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Http1,
    /// With prior knowledge.
    Http2,
    /// The service, mounted in an axum application.
    Mounted,
    /// The framing of stdio, over pipes in memory.
    Lines,
    /// The transport of 2024-11-05, for that revision alone.
    HttpSse,
}

pub(crate) const EVERYWHERE: &[Carrier] =
    &[Carrier::Http1, Carrier::Http2, Carrier::Mounted, Carrier::Lines, Carrier::HttpSse];
/// Carriers with headers and statuses.
pub(crate) const HTTP: &[Carrier] = &[Carrier::Http1, Carrier::Http2, Carrier::Mounted];
/// Carriers whose HTTP is read by this house.
pub(crate) const OUR_HTTP: &[Carrier] = &[Carrier::Http1, Carrier::Http2];
/// For what only a socket can send.
pub(crate) const HTTP1: &[Carrier] = &[Carrier::Http1];
/// For what a carrier without headers says.
pub(crate) const LINES: &[Carrier] = &[Carrier::Lines];

/// One row of the table of decisions, or a part of it.
pub(crate) struct Row {
    number: u16,
    what: &'static str,
    asks: Vec<Ask>,
    carriers: &'static [Carrier],
    eras: fn(Era) -> bool,
    legacy: Option<Expect>,
    modern: Option<Expect>,
}

/// A row with those inputs. It applies everywhere until it says where; what it expects is still to be said.
pub(crate) fn row(number: u16, what: &'static str, asks: impl IntoIterator<Item = Ask>) -> Row {
    let asks = asks.into_iter().collect();
    Row { number, what, asks, carriers: EVERYWHERE, eras: |_| true, legacy: None, modern: None }
}

/// Inputs that are bodies of a POST, or lines.
pub(crate) fn bodies<B: AsRef<[u8]>>(bodies: impl IntoIterator<Item = B>) -> Vec<Ask> {
    bodies.into_iter().map(post).collect()
}

impl Row {
    pub(crate) fn over(mut self, carriers: &'static [Carrier]) -> Self {
        self.carriers = carriers;
        self
    }

    /// Only for eras of which this is true.
    pub(crate) fn in_eras(mut self, eras: fn(Era) -> bool) -> Self {
        self.eras = eras;
        self
    }

    pub(crate) fn legacy(mut self, expect: Expect) -> Self {
        self.legacy = Some(expect);
        self
    }

    pub(crate) fn modern(mut self, expect: Expect) -> Self {
        self.modern = Some(expect);
        self
    }

    pub(crate) fn both(self, expect: Expect) -> Self {
        self.legacy(expect.clone()).modern(expect)
    }

    fn expect(&self, carrier: Carrier, era: Era) -> Option<&Expect> {
        let expect = if era.is_modern() { &self.modern } else { &self.legacy };
        let is_spoken = carrier != Carrier::HttpSse || era == era::OLDEST;
        expect.as_ref().filter(|_| is_spoken && self.carriers.contains(&carrier) && (self.eras)(era))
    }
}

/// Holds every row against the house.
///
/// # Panics
/// With a list of everything that was answered wrongly.
pub(crate) async fn hold(house: &House, rows: &[Row]) {
    hold_each(house, None, rows).await;
}

/// The same, for inputs that hold their id themselves.
///
/// # Panics
/// As [`hold`].
pub(crate) async fn hold_with_id(house: &House, id: &str, rows: &[Row]) {
    hold_each(house, Some(id), rows).await;
}

async fn hold_each(house: &House, id: Option<&str>, rows: &[Row]) {
    let mut report = Report::default();
    for &carrier in EVERYWHERE {
        for era in era::EVERY {
            let fitting: Vec<_> =
                rows.iter().filter_map(|row| Some((row, row.expect(carrier, era)?))).collect();
            if fitting.is_empty() {
                continue;
            }
            let mut visitor = Visitor::enter(house, carrier, era).await;
            for (row, expect) in fitting {
                // A text of several lines is several messages where lines are messages.
                let asks =
                    row.asks.iter().filter(|ask| carrier != Carrier::Lines || !ask.body.contains(&b'\n'));
                for ask in asks {
                    visitor.try_case(row, ask, id, expect, &mut report).await;
                }
            }
        }
    }
    for row in rows {
        assert!(
            report.tried.contains(&(row.number, row.what)),
            "row {} ({}) applies nowhere",
            row.number,
            row.what
        );
    }
    report.finish();
}

#[derive(Default)]
struct Report {
    tried: Vec<(u16, &'static str)>,
    failures: Vec<String>,
}

impl Report {
    fn finish(self) {
        let (tried, failures) = (self.tried.len(), self.failures);
        assert!(failures.is_empty(), "{} of {tried} cases:\n{}", failures.len(), failures.join("\n"));
    }
}

/// A client of one era on one carrier, and another one beside it that must never notice.
struct Visitor<'h> {
    house: &'h House,
    carrier: Carrier,
    seat: Seat,
    wire: Wire,
    bystander: Http1,
    next_id: u32,
}

enum Wire {
    Http1(Http1),
    Http2(Http2),
    Mounted,
    Lines(Lines),
    HttpSse(HttpSse),
}

impl<'h> Visitor<'h> {
    async fn enter(house: &'h House, carrier: Carrier, era: Era) -> Self {
        let seat = Seat { era, session: None, host: house.address.to_string() };
        let wire = Wire::open(house, carrier, era).await;
        let bystander = Http1::connect(house.address).await;
        let mut visitor = Self { house, carrier, seat, wire, bystander, next_id: 1_000 };
        if !era.is_modern() && !matches!(carrier, Carrier::Lines | Carrier::HttpSse) {
            let opened = visitor.wire.exchange(house, &visitor.seat, &post(era.initialize()), "", true).await;
            let opened = opened.expect("an answer to the handshake");
            let session = opened.header("mcp-session-id").expect("a session").to_owned();
            visitor.seat.session = Some(session);
            let told = visitor.wire.exchange(house, &visitor.seat, &post(INITIALIZED), "", false).await;
            accepted().check(&told.expect("an answer"), "").expect("the handshake ends well");
        }
        visitor
    }

    async fn try_case(
        &mut self,
        row: &Row,
        ask: &Ask,
        id: Option<&str>,
        expect: &Expect,
        report: &mut Report,
    ) {
        let ran_before = self.house.ran();
        let id = id.map_or_else(|| self.fresh_id(), ToOwned::to_owned);
        let exchange = self.wire.exchange(self.house, &self.seat, ask, &id, expect.wants_message());
        let outcome = timeout(PATIENCE, exchange).await;
        let outcome = outcome.unwrap_or_else(|_| Err("no answer in time".into()));
        let mut complaints = Vec::new();
        match &outcome {
            Ok(answer) => complaints.extend(expect.check(answer, &id).err()),
            Err(failure) => complaints.push(failure.clone()),
        }
        complaints.extend(self.check_health(outcome.is_ok()).await);
        complaints.extend(expect.check_ran(self.house.ran() - ran_before).err());
        report.tried.push((row.number, row.what));
        if !complaints.is_empty() {
            let (carrier, era, complaints) = (self.carrier, self.seat.era.0, complaints.join("; "));
            let mut failure = format!("row {} ({}), {carrier:?}, {era}: {complaints}", row.number, row.what);
            write!(failure, "\n    sent: {}", ask.shown()).expect("strings can be written to");
            if let Ok(answer) = outcome {
                write!(failure, "\n    got:  {}", answer.shown()).expect("strings can be written to");
            }
            report.failures.push(failure);
        }
    }

    /// A healthy request where the input came from, if that connection is still open, and on another one.
    async fn check_health(&mut self, was_answered: bool) -> Vec<String> {
        let mut complaints = Vec::new();
        if was_answered && self.wire.is_alive() {
            let id = self.fresh_id();
            let answer =
                timeout(PATIENCE, self.wire.exchange(self.house, &self.seat, &healthy(), &id, true)).await;
            let health = answer
                .unwrap_or_else(|_| Err("no answer".into()))
                .and_then(|answer| is_healthy(&answer, &id));
            complaints
                .extend(health.err().map(|failure| format!("afterwards, on the same connection: {failure}")));
        }
        if !complaints.is_empty() || !was_answered || !self.wire.survives_cases() || !self.wire.is_alive() {
            self.wire = Wire::open(self.house, self.carrier, self.seat.era).await;
        }
        let id = self.fresh_id();
        let seat = Seat { era: era::MODERN, session: None, host: self.seat.host.clone() };
        let answer = timeout(PATIENCE, self.bystander.exchange(&healthy().prepare(&seat, &id))).await;
        let health =
            answer.unwrap_or_else(|_| Err("no answer".into())).and_then(|answer| is_healthy(&answer, &id));
        complaints.extend(health.err().map(|failure| format!("afterwards, for somebody else: {failure}")));
        complaints
    }

    fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        self.next_id.to_string()
    }
}

/// A request with nothing wrong about it, which is not counted.
fn healthy() -> Ask {
    post(call("echo", r#"{"message":"how do you do"}"#))
}

fn is_healthy(answer: &Answer, id: &str) -> Result<(), String> {
    let expect =
        result(|result| result["isError"] != true && result["content"][0]["text"] == "how do you do");
    expect.check(answer, id).map_err(|complaint| format!("{complaint}: {}", answer.shown()))
}

impl Wire {
    async fn open(house: &House, carrier: Carrier, era: Era) -> Self {
        match carrier {
            Carrier::Http1 => Self::Http1(Http1::connect(house.address).await),
            Carrier::Http2 => Self::Http2(Http2::connect(house.address).await),
            Carrier::Mounted => Self::Mounted,
            Carrier::Lines => Self::Lines(Lines::enter(&house.runtime, era).await),
            Carrier::HttpSse => Self::HttpSse(HttpSse::enter(house.address, era).await),
        }
    }

    async fn exchange(
        &mut self,
        house: &House,
        seat: &Seat,
        ask: &Ask,
        id: &str,
        wants_message: bool,
    ) -> Result<Answer, String> {
        let prepared = ask.prepare(seat, id);
        match self {
            Self::Http1(connection) => connection.exchange(&prepared).await,
            Self::Http2(connection) => connection.exchange(&prepared).await,
            Self::HttpSse(session) => session.exchange(&prepared, wants_message).await,
            Self::Mounted => exchange_mounted(&house.router, &prepared).await,
            Self::Lines(lines) => {
                // What is answered without an answer is known when the next one has its answer.
                const BARRIER: &str = "the next one";
                let barrier = post(request("tools/list", "")).prepare(seat, &format!("\"{BARRIER}\""));
                let input = [&prepared.body[..], b"\n", &barrier.body, b"\n"].concat();
                lines.send(input).await;
                let mut texts = lines.until(BARRIER).await.ok_or("the conversation ended")?;
                if texts.is_empty() && wants_message {
                    // A tool that takes its time is answered later than that.
                    texts.push(lines.next().await.ok_or("the conversation ended")?);
                }
                Ok(Answer::over_lines(texts))
            }
        }
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_alive,
            Self::Http2(connection) => connection.is_alive(),
            Self::HttpSse(session) => session.is_alive(),
            Self::Mounted | Self::Lines(_) => true,
        }
    }

    /// Complaints about lines that can't be read are sent at a limited rate, so each case has pipes of its own.
    fn survives_cases(&self) -> bool {
        !matches!(self, Self::Lines(_))
    }
}
