# A library.
def twice: . + .;
