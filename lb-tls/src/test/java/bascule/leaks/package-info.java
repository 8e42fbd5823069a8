/// The guard that fails a test run in which a Netty resource was lost without being released. JUnit's launcher finds it through
/// `META-INF/services`, so that it stands around every run: Maven's, an editor's, a nested one. No test calls it.
@NullMarked
package bascule.leaks;

import org.jspecify.annotations.NullMarked;
