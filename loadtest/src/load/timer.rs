//! Waits for a moment more exactly than the runtime's own timer, whose steps are a millisecond.

use std::io;
use std::time::Instant;

/// A timer to be used again and again: a file of the kernel's that can be read when its time has come, as a pipe can
/// when something was written.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct Timer {
    reading: tokio::net::unix::pipe::Receiver,
    setting: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Timer {
    /// A timer of the kernel's.
    ///
    /// # Errors
    /// When the system refuses one more file.
    pub fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let setting = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let reading = tokio::net::unix::pipe::Receiver::from_file_unchecked(setting.try_clone()?.into())?;
        Ok(Self { reading, setting })
    }

    /// Waits until then; at once if it has passed.
    ///
    /// # Errors
    /// When the system refuses to wait.
    pub async fn until(&self, then: Instant) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let left = then.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let tv_sec = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        let it_value = Timespec { tv_sec, tv_nsec: left.subsec_nanos().into() };
        timerfd_settime(&self.setting, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })?;
        loop {
            self.reading.readable().await?;
            match self.reading.try_read(&mut [0_u8; 8]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.map(drop),
            }
        }
    }
}

/// A timer to be used again and again.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Timer(());

#[cfg(not(target_os = "linux"))]
impl Timer {
    /// The runtime's.
    ///
    /// # Errors
    /// Never.
    pub fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    /// Waits until then.
    ///
    /// # Errors
    /// Never.
    pub async fn until(&self, then: Instant) -> io::Result<()> {
        tokio::time::sleep_until(then.into()).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_fires_early_and_can_be_used_again() {
        let timer = Timer::new().unwrap();
        for micros in [0, 300, 50, 2_000] {
            let then = Instant::now() + Duration::from_micros(micros);
            timer.until(then).await.unwrap();
            assert!(Instant::now() >= then);
        }
    }
}
