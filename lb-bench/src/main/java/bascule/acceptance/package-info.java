/// The package, on hosts as its users have them: Debian booted twice with systemd as its first process, the .deb installed on both,
/// one file and one key; then all that happens to such hosts, with clients that count what each of it costs. Knows systemd,
/// dpkg and the words of the daemon's admin socket; knows nothing of Bascule's code and depends on the JDK alone, so that it
/// can judge any package. Started by `packaging/acceptance`; one thread leads, each client has its own.
@NullMarked
package bascule.acceptance;

import org.jspecify.annotations.NullMarked;
