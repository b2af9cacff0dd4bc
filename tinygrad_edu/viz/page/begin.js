// The beginning: the story is told for the first time, and the state that the address tells is gone to.
makeOneStop();
fit();
tell();
setUpInputs();
setUpDescent();
recall();
addEventListener("hashchange", recall);
