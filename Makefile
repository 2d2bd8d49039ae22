# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
#
# On a desk, everything happens in the private environment .venv, with real rclpy wheels (desk/).
# Where a ROS 2 is sourced, that one is used, with what its Python lacks in the overlay .venv-ros.
#
#   PYTHON=python3.12        the Python that environments are made from
#   TORCH='torch==2.13.0'    what pip installs as torch, with options if need be
#   SOURCE=  INIT=x,y,w,h    the demo on a video or bag of your own

PYTHON ?= python3
TORCH ?= torch==2.13.0
SOURCE ?=
INIT ?=
PYTEST_ARGS ?=

ifneq ($(AMENT_PREFIX_PATH)$(ROS_DISTRO),)
  SOURCED := $(shell $(PYTHON) -c 'import rclpy' 2>/dev/null && echo yes)
endif

ifeq ($(SOURCED),yes)
  ENVIRONMENT := .venv-ros/.ready
  RUN := sh desk/overlay.sh $(PYTHON)
else
  ENVIRONMENT := desk
  RUN := .venv/bin/python
endif

.DEFAULT_GOAL := help
.PHONY: help venv desk demo test lint test-ros clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(ENVIRONMENT) ## make the environment that the other targets use

.venv/.ready: setup.py pyproject.toml package.xml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
	  "Python 3.10 or newer is needed, and $(PYTHON) is " + sys.version.split()[0] + \
	  ": name another one with PYTHON=")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet $(TORCH)
	.venv/bin/python -m pip install --quiet --editable '.[train,eval,test]'
	@touch $@

desk: .venv/.ready ## put rclpy and vision_msgs into .venv, for machines without ROS 2
	@.venv/bin/python desk/install.py
