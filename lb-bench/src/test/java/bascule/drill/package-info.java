/// The drills in short, as a part of every build.
@NullMarked
package bascule.drill;

import org.jspecify.annotations.NullMarked;
