# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
#
# On a desk, everything happens in the private environment .venv, with real rclpy wheels (desk/).
# Where a ROS 2 is sourced, that one is used, with what its Python lacks in the overlay .venv-ros.
#
#   PYTHON=python3.12        the Python that environments are made from
#   TORCH='torch==2.13.0'    what pip installs as torch, with options if need be
#   SOURCE=  INIT=x,y,w,h    the demo on a video or bag of your own
#   DATA=  TRAIN_ARGS=       folder of the training data; changes of every run, such as 'epochs=1'

PYTHON ?= python3
TORCH ?= torch==2.13.0
SOURCE ?=
INIT ?=
DATA ?=
TRAIN_ARGS ?=
PYTEST_ARGS ?=

ifneq ($(AMENT_PREFIX_PATH)$(ROS_DISTRO),)
  SOURCED := $(shell $(PYTHON) -c 'import rclpy' 2>/dev/null && echo yes)
endif
ENVIRONMENT := $(if $(SOURCED),overlay,desk)
SHIPPED := mmnet_fast cfnet_fast siamfc_fast hssnet_fast mlssnet_fast tdsiam_fast \
  siamrpn_fast dasiamrpn_fast siamrpnpp_fast siammask_fast
RUN := $(if $(SOURCED),.venv-ros,.venv)/bin/python
PIP := -m pip install --quiet

.DEFAULT_GOAL := help
.PHONY: help venv desk overlay demo test lint test-ros train clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(ENVIRONMENT) ## make the environment that the other targets use

.venv/.ready: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
	  "Python 3.10 or newer is needed, and $(PYTHON) is " + sys.version.split()[0] + \
	  ": name another one with PYTHON=")'
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) $(TORCH)
	.venv/bin/python $(PIP) --editable '.[train,eval,test]'
	@touch $@

desk: .venv/.ready ## put rclpy and vision_msgs into .venv, for machines without ROS 2
	@.venv/bin/python desk/install.py

.venv-ros/.ready: setup.py pyproject.toml
	$(PYTHON) .ci/make_overlay.py .venv-ros
	.venv-ros/bin/python $(PIP) -c .venv-ros/constraints.txt $(TORCH)
	.venv-ros/bin/python $(PIP) -c .venv-ros/constraints.txt --editable '.[train,eval,test]'
	@touch $@

overlay: .venv-ros/.ready # what the sourced ROS 2's Python lacks

demo: $(ENVIRONMENT) ## play a bag over DDS into the node, and report in demo/
	$(RUN) -m tir_tracker_ros.cli demo --out demo \
	  $(if $(SOURCE),--source '$(SOURCE)') $(if $(INIT),--init '$(INIT)')

test: $(ENVIRONMENT) ## run every test that can run here, the linters and the type checker
	$(RUN) -m pytest $(PYTEST_ARGS)

lint: $(ENVIRONMENT) ## run the linters and the type checker only
	$(RUN) -m pytest test/test_style.py

test-ros: ## colcon build and colcon test on the sourced or installed ROS 2
	PYTHON=$(PYTHON) TORCH='$(TORCH)' .ci/test_ros

train: $(ENVIRONMENT) ## repeat the training of the shipped weights; DATA= names the folder of the data
	@test -n '$(DATA)' || { echo 'make train: name the folder of the data with DATA='; exit 1; }
	[ -f runs/pack.safetensors ] || { \
	  $(RUN) -m tir_tracker_ros.cli pack --config config/train/data.yaml --data '$(DATA)' \
	    --out runs/part.safetensors && mv runs/part.safetensors runs/pack.safetensors; }
	for name in box_refiner box_refiner_verification fast $(SHIPPED) siammask_fast_masks; do \
	  $(RUN) -m tir_tracker_ros.cli train --config config/train/$$name.yaml \
	    --out runs/$$name $$([ ! -f runs/$$name/last.ckpt ] || echo --resume) \
	    pack=runs/pack.safetensors $(TRAIN_ARGS) || exit; \
	done

clean: ## remove the environments and everything that was made
	rm -rf .venv .venv-ros build install log demo *.egg-info
