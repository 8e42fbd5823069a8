package bascule;

import java.io.IOException;
import java.io.UncheckedIOException;

/// The jars that this program consists of. The JVM opens one when it first needs something of it, and keeps it open; an upgrade puts
/// others in their place under a daemon that may run on for days, and what it has open it can go on reading.
final class ClassPath {
    private static final String NOWHERE = "bascule/nowhere";

    private ClassPath() {}

    /// Opens every one: a name that none of them has is looked for in all.
    static void open() {
        try {
            var found = ClassPath.class.getClassLoader().getResources(NOWHERE);
            if (found.hasMoreElements())
                throw new IllegalStateException(found.nextElement() + " is there");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
