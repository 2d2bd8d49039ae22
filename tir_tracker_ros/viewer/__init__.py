# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A web page to choose targets and watch them; knows neither ROS nor a tracker."""
