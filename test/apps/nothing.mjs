// An ES module that does nothing: what importing any module before an app does to it, node 20 shows a handle, is not ours.
