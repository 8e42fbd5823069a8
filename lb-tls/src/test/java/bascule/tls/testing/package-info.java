/// A certificate authority for tests, made of nothing but the JDK. Other modules' tests get it as this module's test jar.
@NullMarked
package bascule.tls.testing;

import org.jspecify.annotations.NullMarked;
