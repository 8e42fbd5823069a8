package bascule;

import bascule.observe.Events;

/// The cache that an installed daemon starts from (JEP 514). The JVM says nothing when it cannot use it, and starts slowly.
final class StartCache {
    private StartCache() {}

    /// Warns where the package brings a cache and the JVM does without.
    static void tell() {
        if (!Version.isOfPackage() || isUsed(System.getProperty("java.vm.info", ""))) return;
        Events.warn(
                "start-cache-unused",
                "expected",
                "no other collector, layout of objects or agent in BASCULE_JAVA_OPTS; -Xlog:aot says more");
    }

    /// @param about of the JVM, such as `mixed mode, sharing`
    static boolean isUsed(String about) {
        return about.contains("sharing");
    }
}
