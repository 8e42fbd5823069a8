/// The door: listening sockets, who may come in and how many, and the protocol that is spoken behind it. Knows no request. Called
/// by the daemon, which opens and drains listeners; what belongs to one loop is confined to it.
@NullMarked
package bascule.listen;

import org.jspecify.annotations.NullMarked;
