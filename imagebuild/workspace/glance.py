"""tmp"""
def nothing_to_do(given, environ):
    return None
