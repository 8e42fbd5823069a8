/// systemd, the service manager, as this process meets it: what it was told by its environment, what it says by datagrams
/// (sd_notify(3)), and descriptors that the manager keeps for the next start (sd_listen_fds(3), sd_pid_notify_with_fds(3)). By calls to libc alone. Knows
/// nothing of listeners or loops. Called by the daemon's root and by `bascule.listen`; each class says on which thread.
@NullMarked
package bascule.systemd;

import org.jspecify.annotations.NullMarked;
