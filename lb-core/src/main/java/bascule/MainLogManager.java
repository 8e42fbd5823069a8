package bascule;

import java.util.logging.LogManager;

/// Keeps the log open while the process ends: the JDK's own manager closes it in a shutdown hook, beside the one in which the
/// daemon drains and tells about it. Named by a system property; made by the JDK.
public final class MainLogManager extends LogManager {
    @Override
    public void reset() {}
}
