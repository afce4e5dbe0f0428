// Holds the precompiled headers of the unit tests, and does nothing.
int main() {}
