/// TLS material and engines: certificates with their keys, protocol policies, and the contexts built from them. The only place
/// that reads a certificate's key. Knows nothing of proxying, of configuration files or of the cluster; `lb-core` calls it when
/// it starts or reloads. What it hands out is immutable and shared by all event loops.
@NullMarked
package bascule.tls;

import org.jspecify.annotations.NullMarked;
