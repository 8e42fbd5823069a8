@NullMarked
package bascule.acceptance;

import org.jspecify.annotations.NullMarked;
