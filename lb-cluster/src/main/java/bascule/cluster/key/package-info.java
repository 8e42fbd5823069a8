/// The cluster's key file: who holds it is a node. Makes one, reads it, and gives what follows from it: the TLS context of the membership,
/// the secret of the owner port, keys for other purposes. Never shows a secret in a message. Called when a daemon starts or reloads.
@NullMarked
package bascule.cluster.key;

import org.jspecify.annotations.NullMarked;
