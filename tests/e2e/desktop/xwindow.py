#!/usr/bin/python3
"""What a window manager would do, where there is none: `xwindow.py shown TITLE` prints how many windows of that title are
on the screen, `xwindow.py close TITLE` asks them to close, as the button in a title bar does."""

import ctypes
import sys

x = ctypes.CDLL("libX11.so.6")
Window = ctypes.c_ulong
x.XOpenDisplay.restype = ctypes.c_void_p
x.XDefaultRootWindow.restype = x.XInternAtom.restype = Window
x.XDefaultRootWindow.argtypes = x.XCloseDisplay.argtypes = [ctypes.c_void_p]
x.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
x.XFree.argtypes = [ctypes.c_void_p]
x.XQueryTree.argtypes = [ctypes.c_void_p, Window] + [ctypes.c_void_p] * 4
x.XFetchName.argtypes = [ctypes.c_void_p, Window, ctypes.c_void_p]
x.XGetWindowAttributes.argtypes = [ctypes.c_void_p, Window, ctypes.c_void_p]
x.XSendEvent.argtypes = [ctypes.c_void_p, Window, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]


class Attributes(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int) for name in ("x", "y", "width", "height", "border_width", "depth")
    ] + [
        ("visual", ctypes.c_void_p),
        ("root", Window),
        *[(name, ctypes.c_int) for name in ("class_", "bit_gravity", "win_gravity", "backing_store")],
        *[(name, ctypes.c_ulong) for name in ("backing_planes", "backing_pixel")],
        ("save_under", ctypes.c_int),
        ("colormap", ctypes.c_ulong),
        ("map_installed", ctypes.c_int),
        ("map_state", ctypes.c_int),
        ("rest", ctypes.c_long * 8),
    ]


class ClientMessage(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", Window),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("rest", ctypes.c_long * 16),
    ]


def shown(display, title):
    root, parent, children, count = Window(), Window(), ctypes.POINTER(Window)(), ctypes.c_uint()
    top = x.XDefaultRootWindow(display)
    x.XQueryTree(display, top, *map(ctypes.byref, (root, parent, children, count)))
    found = []
    for window in children[: count.value]:
        name, attributes = ctypes.c_char_p(), Attributes()
        x.XFetchName(display, window, ctypes.byref(name))
        x.XGetWindowAttributes(display, window, ctypes.byref(attributes))
        # A window of one pixel is a helper of the toolkit, and nothing that a person sees.
        viewable = attributes.map_state == 2 and attributes.width > 50
        if viewable and title.encode() in (name.value or b""):
            found.append(window)
    return found


def close(display, window):
    message = ClientMessage(type=33, window=window, format=32)
    message.message_type = x.XInternAtom(display, b"WM_PROTOCOLS", 0)
    message.data[0] = x.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
    x.XSendEvent(display, window, 0, 0, ctypes.byref(message))


command, title = sys.argv[1:]
display = x.XOpenDisplay(None)
windows = shown(display, title)
if command == "close":
    for window in windows:
        close(display, window)
print(len(windows))
x.XCloseDisplay(display)
