def twice: . +;
