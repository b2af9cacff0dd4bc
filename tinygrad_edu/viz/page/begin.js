// The beginning: the story is told for the first time, and the state that the address tells is gone to.
setUpInputs();
setUpDescent();
stage(scenes[0]);
tell();
recall();
addEventListener("hashchange", recall);
