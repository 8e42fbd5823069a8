/// What an operator does, under load, with the real program: each request is followed to its end, and none may be lost.
package bascule.load;
