/// Who is there: membership by JGroups, behind one class, and messages to all members. Knows nothing of floating IPs. Its listener is
/// told on JGroups' threads and must not block.
@NullMarked
package bascule.cluster.group;

import org.jspecify.annotations.NullMarked;
