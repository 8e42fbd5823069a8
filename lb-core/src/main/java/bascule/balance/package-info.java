/// Which server: one page per algorithm behind one sealed seam. Knows servers and their weights; knows nothing of
/// connections, health or requests. Every event loop picks, at any time, without a lock; one thread at a time may update: that of
/// the health checks.
@NullMarked
package bascule.balance;

import org.jspecify.annotations.NullMarked;
