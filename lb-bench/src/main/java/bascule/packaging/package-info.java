/// What the packages are made with: smaller jars, the training of the cache that an installed daemon starts from, and the man page of
/// the configuration. Knows nothing of Bascule's code and depends on the JDK alone. Started by `packaging/src/assemble`; one thread
/// leads.
@NullMarked
package bascule.packaging;

import org.jspecify.annotations.NullMarked;
