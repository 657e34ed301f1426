"""libconfig's own reading of a file, as Python values. The library is C without a program of its own."""

import ctypes

SONAME = "libconfig.so.9"  # of Debian's libconfig9; what stands below is its ABI
GROUP, INT, INT64, FLOAT, STRING, BOOL = 1, 2, 3, 4, 5, 6


class NotRead(Exception):
    """The library does not take the text."""


class Setting(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_short)]


class Config(ctypes.Structure):
    _fields_ = [("root", ctypes.POINTER(Setting)), ("destructor", ctypes.c_void_p), ("flags", ctypes.c_ushort),
                ("tab_width", ctypes.c_ushort), ("default_format", ctypes.c_short), ("include_dir", ctypes.c_char_p),
                ("error_text", ctypes.c_char_p), ("error_file", ctypes.c_char_p), ("error_line", ctypes.c_int),
                ("rest", ctypes.c_byte * 1024)]


def load():
    """Raises OSError where the library is missing."""
    library = ctypes.CDLL(SONAME)
    a_setting = ctypes.POINTER(Setting)
    for name, result, *arguments in (("get_elem", a_setting, a_setting, ctypes.c_uint), ("length", ctypes.c_int, a_setting),
                                     ("get_int64", ctypes.c_longlong, a_setting), ("get_float", ctypes.c_double, a_setting),
                                     ("get_bool", ctypes.c_int, a_setting), ("get_string", ctypes.c_char_p, a_setting)):
        function = getattr(library, f"config_setting_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def read(text: str) -> dict:
    library, config = load(), Config()
    library.config_init(ctypes.byref(config))
    try:
        if library.config_read_string(ctypes.byref(config), text.encode()) != 1:
            raise NotRead(f"line {config.error_line}: {(config.error_text or b'').decode()}")
        return value_of(library, config.root)
    finally:
        library.config_destroy(ctypes.byref(config))


def value_of(library, setting):
    kind = setting.contents.type
    if kind in (INT, INT64):
        return library.config_setting_get_int64(setting)
    if kind == FLOAT:
        return library.config_setting_get_float(setting)
    if kind == BOOL:
        return bool(library.config_setting_get_bool(setting))
    if kind == STRING:
        return library.config_setting_get_string(setting).decode()
    items = [library.config_setting_get_elem(setting, i) for i in range(library.config_setting_length(setting))]
    if kind == GROUP:
        return {item.contents.name.decode(): value_of(library, item) for item in items}
    return [value_of(library, item) for item in items]
