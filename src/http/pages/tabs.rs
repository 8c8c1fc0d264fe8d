/// Which of the pages about records this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Records,
    SyncLogs,
    Delivery,
    Messages,
}
