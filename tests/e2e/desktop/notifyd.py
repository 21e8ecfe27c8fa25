#!/usr/bin/python3
"""A notification service for tests: writes each notification as a JSON line to the file named by its argument, and presses
buttons when told to: gdbus call --session -d org.freedesktop.Notifications -o /test -m io.selfheal.Test.Press ID KEY

The system's Python, because the bindings of D-Bus belong to it.
"""

import json
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.freedesktop.Notifications"


class Notifications(dbus.service.Object):
    last = 0

    @dbus.service.method(NAME, in_signature="", out_signature="as")
    def GetCapabilities(self):
        return ["body", "body-markup", "actions"]

    @dbus.service.method(NAME, in_signature="", out_signature="ssss")
    def GetServerInformation(self):
        return ("selfheal-test", "selfheal", "1", "1.2")

    @dbus.service.method(NAME, in_signature="susssasa{sv}i", out_signature="u")
    def Notify(self, app, replaces, icon, summary, body, actions, hints, timeout):
        if replaces == 0:
            self.last += 1
        shown = replaces or self.last
        line = {
            "id": int(shown),
            "app": str(app),
            "summary": str(summary),
            "body": str(body),
            "actions": [str(word) for word in actions],
            "hints": sorted(str(key) for key in hints),
        }
        with open(sys.argv[1], "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        return dbus.UInt32(shown)

    @dbus.service.method(NAME, in_signature="u", out_signature="")
    def CloseNotification(self, shown):
        self.NotificationClosed(shown, 3)

    @dbus.service.signal(NAME, signature="us")
    def ActionInvoked(self, shown, key):
        pass

    @dbus.service.signal(NAME, signature="uu")
    def NotificationClosed(self, shown, reason):
        pass


class Hand(dbus.service.Object):
    def __init__(self, bus, service):
        super().__init__(bus, "/test")
        self.service = service

    @dbus.service.method("io.selfheal.Test", in_signature="us", out_signature="")
    def Press(self, shown, key):
        # What a pressed notification does everywhere: it tells, and then it is gone.
        self.service.ActionInvoked(shown, key)
        self.service.NotificationClosed(shown, 2)


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
service = Notifications(bus, "/org/freedesktop/Notifications")
hand = Hand(bus, service)
# Only when everything is there: whoever waits for the name may call at once.
name = dbus.service.BusName(NAME, bus, do_not_queue=True)
GLib.MainLoop().run()
