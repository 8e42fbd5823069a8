/// One HTTP exchange: from a whole request head to the last byte of its response, whatever happens on the way. Decides what is
/// passed on, stripped and added, who asks too often, which client stays with which server, when to try again, and is the only
/// place that answers errors. Knows no wire format beyond the
/// bytes of heads. Called by `bascule.listen`; every instance is confined to one event loop.
@NullMarked
package bascule.proxy;

import org.jspecify.annotations.NullMarked;
