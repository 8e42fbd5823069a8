/// What a host is given: the files of this build, taken apart and tried, without installing anything on the host that builds.
@NullMarked
package bascule.packaging;

import org.jspecify.annotations.NullMarked;
