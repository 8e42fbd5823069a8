/// A node of a cluster: ties the decision (`ownership`) to clock, network (`group`, `port`), host (`net`) and disk. Events go to one thread,
/// `ownership`, which carries out what is decided; [Cluster] may be called from any. Knows nothing of proxying or of clients' TLS. Called by
/// `lb-core`'s `bascule.node`, which hears what comes of it as a [ClusterHost].
@NullMarked
package bascule.cluster;

import org.jspecify.annotations.NullMarked;
