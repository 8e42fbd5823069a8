@NullMarked
package bascule.harness;

import org.jspecify.annotations.NullMarked;
