// The beginning: the story is told for the first time, and the state that the address tells is gone to.
makeOneStop();
fit();
tell();
setUpInputs();
if (byId("changes").offsetHeight > byId("panel").clientHeight / 4) byId("changes").open = false; // room for the step
setUpDescent();
recall();
addEventListener("hashchange", recall);
